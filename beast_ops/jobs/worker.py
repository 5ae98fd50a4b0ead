# SPDX-License-Identifier: Apache-2.0
"""The worker: takes one job after the other and shows that it is alive."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import FAILURES
from beast_ops.errors import BeastError, LeaseLostError, ServiceError, TransientError

from .grip import CancelledError, Grip, OutrankedError, StoppingError, TimeUpError
from .model import LOOK_SECONDS, Job
from .table import JobTable

__all__ = [
    "Bounded",
    "CancelledError",
    "Grip",
    "Handler",
    "OutrankedError",
    "StoppingError",
    "Tell",
    "TimeUpError",
    "Worker",
]

HEARTBEAT_SECONDS = 5.0
STUCK_SECONDS = 300.0  # beyond its time, for a handler that does not look whether it may go on
STUCK_CODE = 70  # EX_SOFTWARE, sysexits.h
TROUBLE_SECONDS = 5.0
SWEEP_SECONDS, PERIODIC_SECONDS = 600.0, 60.0

log = logging.getLogger(__name__)

Handler = Callable[[Grip], Mapping[str, Any]]
Tell = Callable[[str, Job, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Bounded:
    """A handler and its bounds.

    Attributes:
        handler: What runs the jobs.
        seconds: How long one attempt may take.
        attempts: How often a job is tried in all when it fails for a reason that may pass.
        tidy: Called after each job, and now and then, to clear up after jobs that are gone.
        every: How many seconds after the last job of the kind the next is added by itself.
        tell: Told when a job has started, is done, has failed or was cancelled; with its result.
    """

    handler: Handler
    seconds: float = float("inf")
    attempts: int = 1
    tidy: Callable[[], None] = lambda: None
    every: float | None = None
    tell: Tell = lambda _, __, ___: None


class Ear(Protocol):
    """How a worker waits for work."""

    def wait(self, stopping: threading.Event) -> bool:
        """Wait until it is time to look; return whether somebody said that there is a job."""

    def pass_on(self) -> None:
        """Say to the next worker that there may be more."""


class Patience:
    """Looks now and then; nobody says anything."""

    def wait(self, stopping: threading.Event) -> bool:
        """Wait a moment."""
        stopping.wait(LOOK_SECONDS)
        return False

    def pass_on(self) -> None:
        """Leave the others to themselves."""


PATIENCE = Patience()


class Worker:
    """Runs the jobs of a table, each with the handler of its kind."""

    def __init__(
        self,
        table: JobTable,
        handlers: Mapping[str, Handler | Bounded],
        name: str,
        clock: Clock = SYSTEM,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        """Work on *table* as *name*.

        Args:
            table: Where the jobs stand.
            handlers: What runs them, by kind.
            name: How this worker is known.
            clock: What time it is.
            tidy: Called after each job, and now and then, to clear up after jobs that are gone.
        """
        self._table, self._name, self._clock = table, name, clock
        self._able = {
            kind: each if isinstance(each, Bounded) else Bounded(each)
            for kind, each in handlers.items()
        }
        self._next: Job | None = None
        self._goes_on = self._called = False
        self._ear: Ear = PATIENCE
        self._tidy = tidy
        self._stopping = threading.Event()
        self._grip: Grip | None = None
        self._swept = self._added = float("-inf")

    def stop(self) -> None:
        """End soon: the job at hand goes back. May be called by a signal handler."""
        self._stopping.set()

    def run(self, ready: Callable[[], bool] = lambda: True, ear: Ear = PATIENCE) -> None:
        """Work until told to stop, first on what a killed process of this name left behind.

        Args:
            ready: Whether to begin; signs of life come meanwhile.
            ear: How to wait for work.
        """
        self._ear = ear
        beat = threading.Thread(target=self._beat, daemon=True, name="heartbeat")
        beat.start()
        while not ready() and not self._stopping.is_set():
            self._stopping.wait(LOOK_SECONDS)
        fresh = self._goes_on = True
        while not self._stopping.is_set():
            try:
                if fresh:
                    self._table.reclaim(self._name)
                    fresh = False
                self._sweep()
                busy = self.run_one()
            except (OSError, *FAILURES):
                # A full disk, most likely: jobs wait until there is room again.
                log.exception("cannot work now")
                busy = not self._stopping.wait(TROUBLE_SECONDS)
            if not busy and not self._stopping.is_set():
                self._called = ear.wait(self._stopping)
        beat.join(TROUBLE_SECONDS)
        with suppress(OSError, LeaseLostError, *FAILURES):
            if self._next is not None:
                self._table.give_back(self._next)
        with suppress(OSError, *FAILURES):
            self._table.retire(self._name)

    def _sweep(self) -> None:
        if self._clock.monotonic() - self._added > PERIODIC_SECONDS:
            self._added = self._clock.monotonic()
            for kind, able in self._able.items():
                if able.every is not None:
                    self._table.add_periodic(kind, able.every)
        if self._clock.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = self._clock.monotonic()
            self._table.sweep()
            for each in self._able.values():
                each.tidy()
            self._tidy()

    def run_one(self) -> bool:
        """Run the next job, if there is one; return whether there was."""
        job, self._next = self._next or self._table.claim(self._name), None
        called, self._called = self._called, False
        if job is None:
            return False
        if called:
            self._ear.pass_on()
        able = self._able.get(job.kind)
        self._grip = Grip(self._table, job, self._stopping, self._clock)
        if able is not None:
            self._grip.seconds = able.seconds
        try:
            self._run(self._grip, able)
        except LeaseLostError as lost:
            log.warning("%s", lost.paragraph())
        finally:
            self._grip = None
        if able is not None:
            able.tidy()
        self._tidy()
        return True

    def _run(self, grip: Grip, able: Bounded | None) -> None:
        job = grip.job
        log.info("job %s (%s), attempt %d", job.id, job.kind, job.token)
        if able is None:
            self._table.fail(job, f"this worker knows no jobs of the kind {job.kind!r}")
            return
        able.tell("started", job, {})
        try:
            result = able.handler(grip)
        except StoppingError:  # of this worker, or for a job that comes first
            self._table.give_back(job)
        except CancelledError:
            self._table.stop(job)
            able.tell("cancelled", job, {})
        except LeaseLostError:
            raise
        except Exception as failed:  # noqa: BLE001 - each kind is told in its own words
            self._failed(job, failed, able)
        else:
            self._finish(job, result)
            able.tell("done", job, result)

    def _failed(self, job: Job, failed: Exception, able: Bounded) -> None:
        """Note why *job* failed, and let it be tried again if that may help."""
        if isinstance(failed, TimeUpError):
            self._lost(job, f"it took longer than {able.seconds / 3600:g} h", able)
        elif isinstance(failed, (TransientError, ServiceError)):
            self._again(job, failed.paragraph(), able)
        elif isinstance(failed, BeastError):
            self._lost(job, failed.paragraph(), able)
        elif isinstance(failed, OSError):
            log.error("job %s failed", job.id, exc_info=failed)
            self._again(job, f"the worker cannot keep its data: {failed}", able)
        else:
            log.error("job %s failed", job.id, exc_info=failed)
            self._lost(job, "the worker made a mistake; its log says more", able)

    def _lost(self, job: Job, error: str, able: Bounded) -> None:
        self._table.fail(job, error)
        able.tell("failed", job, {})

    def _finish(self, job: Job, result: Mapping[str, Any]) -> None:
        """Note the result, and take the next job along if we go on: one write less."""
        if self._goes_on and not self._stopping.is_set():
            self._next = self._table.finish_for(job, result, self._name)
        else:
            self._table.finish(job, result)

    def _again(self, job: Job, error: str, able: Bounded) -> None:
        pause = self._table.again(job, error, able.attempts)
        if pause is None:
            able.tell("failed", job, {})
        else:
            log.warning("job %s failed, and is tried again in %g s: %s", job.id, pause, error)
            self._table.say(job, f"failed, and tried again in {pause:g} s: {error}")

    def _beat(self) -> None:
        while True:
            grip = self._grip
            # A full disk must not end the sign of life of a worker that could go on.
            with suppress(OSError, *FAILURES):
                self._table.report(self._name)
                if grip is not None:
                    self._unless_stuck(grip)
            if self._stopping.wait(HEARTBEAT_SECONDS):
                return

    def _unless_stuck(self, grip: Grip) -> None:
        """Renew the lease of *grip*; end this process if its handler will never come back."""
        if grip.taken <= grip.seconds + STUCK_SECONDS:
            grip.renew()
            return
        log.critical("job %s (%s) does not end; the worker does", grip.job.id, grip.job.kind)
        with suppress(LeaseLostError):
            self._table.fail(grip.job, f"it took longer than {grip.seconds / 3600:g} h, and hung")
        os._exit(STUCK_CODE)  # no thread can be ended; what keeps us alive starts us anew
