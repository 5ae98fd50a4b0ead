# SPDX-License-Identifier: Apache-2.0
"""Whatever happens in whatever order: no job is lost, none is held by two, none ends twice."""

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from beast_ops.clock import Clock
from beast_ops.errors import ConflictError, LeaseLostError
from beast_ops.jobs.model import ATTEMPTS, ENDED, Job, State
from beast_ops.jobs.table import LEASE_SECONDS, JobTable

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = st.sampled_from([0.5, 4.0, LEASE_SECONDS - 1, LEASE_SECONDS + 1, 3 * LEASE_SECONDS])


@dataclass
class Model:
    """What a job should be, kept in the simplest way there is."""

    state: State
    token: int = 0
    attempts: int = 0
    lease: float = 0.0
    cancelled: bool = False
    said: dict[str, int] = field(default_factory=dict)

    def free(self, now: float) -> bool:
        return self.state is State.READY or (self.state is State.RUNNING and self.lease < now)


class Jobs(RuleBasedStateMachine):
    """Clients, workers that die without a word, and workers that come back from the dead."""

    names = Bundle("names")
    grips = Bundle("grips")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.seconds = 0.0
        self.table = JobTable(self.folder / "jobs.sqlite", Clock(now=self.now))
        self.model: dict[str, Model] = {}

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds)

    def at(self) -> float:
        return self.now().timestamp()

    def ours(self, grip: Job) -> bool:
        model = self.model[grip.id]
        return model.state is State.RUNNING and model.token == grip.token

    @rule(target=names, held=st.booleans())
    def add(self, *, held: bool) -> str:
        name = self.table.add("test", {"number": len(self.model)}, held=held)
        self.model[name] = Model(State.HELD if held else State.READY)
        return name

    @rule(name=names)
    def release(self, name: str) -> None:
        if self.model[name].state is State.HELD:
            self.table.release(name)
            self.model[name].state = State.READY
        else:
            with pytest.raises(ConflictError):
                self.table.release(name)

    @rule(target=grips, owner=st.sampled_from(["a", "b"]))
    def claim(self, owner: str) -> Job | None:
        now = self.at()
        for model in self.model.values():
            if model.cancelled and model.free(now):
                model.state = State.CANCELLED
            if model.state is State.RUNNING and model.lease < now and model.attempts >= ATTEMPTS:
                model.state = State.FAILED
        free = {name for name, model in self.model.items() if model.free(now)}

        job = self.table.claim(owner)

        assert (job is None) == (not free)
        if job is None:
            return None
        assert job.id in free
        model = self.model[job.id]
        model.state, model.token = State.RUNNING, model.token + 1
        model.attempts, model.lease = model.attempts + 1, now + LEASE_SECONDS
        assert model.token == job.token
        return job

    @rule(grip=grips)
    def heartbeat(self, grip: Job | None) -> None:
        if grip is None:
            return
        if self.ours(grip):
            wanted = self.table.heartbeat(grip)

            assert self.model[grip.id].cancelled == wanted
            self.model[grip.id].lease = self.at() + LEASE_SECONDS
        else:
            with pytest.raises(LeaseLostError):
                self.table.heartbeat(grip)

    @rule(grip=grips, done=st.integers(0, 9))
    def progress(self, grip: Job | None, done: int) -> None:
        if grip is None:
            return
        if self.ours(grip):
            self.table.progress(grip, {"done": done})
            self.model[grip.id].said = {"done": done}
        else:
            with pytest.raises(LeaseLostError):
                self.table.progress(grip, {"done": -1})

    @rule(grip=consumes(grips), end=st.sampled_from(["finish", "fail", "stop", "give_back"]))
    def end(self, grip: Job | None, end: str) -> None:
        if grip is None:
            return
        act = {
            "finish": lambda: self.table.finish(grip, {"token": grip.token}),
            "fail": lambda: self.table.fail(grip, "because"),
            "stop": lambda: self.table.stop(grip),
            "give_back": lambda: self.table.give_back(grip),
        }[end]
        if not self.ours(grip):
            with pytest.raises(LeaseLostError):
                act()
            return
        act()
        model = self.model[grip.id]
        model.state = {
            "finish": State.DONE,
            "fail": State.FAILED,
            "stop": State.CANCELLED,
            "give_back": State.READY,
        }[end]
        if end == "give_back":
            model.attempts -= 1

    @rule(name=names)
    def cancel(self, name: str) -> None:
        model = self.model[name]
        if model.state in ENDED:
            with pytest.raises(ConflictError):
                self.table.cancel(name)
            return
        self.table.cancel(name)
        if model.state is State.RUNNING:
            model.cancelled = True
        else:
            model.state = State.CANCELLED

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    @rule()
    def restart(self) -> None:
        self.table.close()
        self.table = JobTable(self.folder / "jobs.sqlite", Clock(now=self.now))

    @invariant()
    def nothing_is_lost_or_made_up(self) -> None:
        found = {job.id: job for job in self.table.newest(1000)}

        assert set(self.model) == set(found)
        for name, model in self.model.items():
            assert (model.state, model.token) == (found[name].state, found[name].token)
            assert model.said == found[name].progress
            if model.state is State.DONE:
                assert {"token": model.token} == self.table.get(name).result

    def teardown(self) -> None:
        """Whatever was going on when the last worker died, the next ones bring it to an end."""
        for _ in range(ATTEMPTS + 1):
            self.seconds += 2 * LEASE_SECONDS
            while (job := self.table.claim("last")) is not None:
                self.table.finish(job, {"token": job.token})
        left = {job.state for job in self.table.newest(1000)} - ENDED
        self.table.close()
        shutil.rmtree(self.folder)

        assert left <= {State.HELD}


Jobs.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestJobs = Jobs.TestCase
