# SPDX-License-Identifier: Apache-2.0
"""The job table: what is to be done, by whom, until when they must show a sign of life.

A worker holds a job under a lease it renews. When it is killed the lease runs out and the next
worker takes the job, with a higher fencing token; the old one, should it come back, may no
longer write. (Leases with fencing tokens: C. Gray and D. Cheriton, "Leases", SOSP 1989;
M. Kleppmann, "Designing Data-Intensive Applications", chapter 8.)
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database
from beast_ops.database.prepared import Prepared
from beast_ops.errors import ConflictError, LeaseLostError

from . import statements as to
from .model import EVERYTHING, Job, Lane, Priority, State
from .schema import SCHEMA
from .views import Views, fresh, job_of

LEASE_SECONDS = 20.0
KEEP_SECONDS = 86_400.0  # results are kept for a day, and so are jobs nobody sends anything to
LONGEST_SECONDS = 600.0
KEPT_SECONDS = 600.0  # between two notes that a job is still wanted
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 600.0  # before a job is tried again
LINES_KEPT, LINE_CHARACTERS = 500, 2000

if TYPE_CHECKING:
    from sqlalchemy import Connection


class JobTable(Views):
    """The jobs of an installation; safe for several threads and processes."""

    def __init__(self, path: Path, clock: Clock = SYSTEM, lane: Lane = EVERYTHING) -> None:
        """Open the table in the file *path*, making it if it is missing.

        Args:
            path: The file.
            clock: What time it is.
            lane: Jobs of which kinds are claimed.
        """
        self._clock, self._lane = clock, lane
        self._database = Database(path, SCHEMA)

    def add(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        held: bool = False,
        job_id: str = "",
        priority: Priority = Priority.NORMAL,
    ) -> str:
        """Add a job and return its id; a *held* one waits until it is released."""
        values = {**fresh(kind, payload, self._now()), "rank": priority.rank}
        if job_id:
            values["id"] = job_id
        if held:
            values["state"] = State.HELD
        with self._database.writing() as table:
            to.ADD.say(table, values)
        return str(values["id"])

    def release(self, job_id: str) -> None:
        """Let a held job run.

        Raises:
            ConflictError: If it is not held.
            MissingError: If there is none.
        """
        with self._database.writing() as table:
            done = table.execute(to.RELEASE, {"job": job_id, "now": self._now()})
        if not done.rowcount:
            self.get(job_id)
            raise ConflictError("this job is not waiting to be started", subject=job_id)

    def keep(self, job_id: str) -> None:
        """Note that somebody still sends what a held job waits for, so that it is not swept."""
        now = self._now()
        with self._database.reading() as table:  # nearly always: nothing to write
            known = {"job": job_id, "now": now, "before": now - KEPT_SECONDS}
            forgotten = table.execute(to.FORGOTTEN, known).fetchone()
        if forgotten is not None:
            with self._database.writing() as table:
                table.execute(to.KEEP, {"job": job_id, "now": now})

    def claim(self, owner: str, lease_seconds: float = LEASE_SECONDS) -> Job | None:
        """Hand a job that is ready, or whose worker fell silent, to *owner*.

        It is the oldest of those with the highest priority.

        Args:
            owner: Who will work on it.
            lease_seconds: How long without a heartbeat until it is taken for dead, at most
                `LONGEST_SECONDS`.
        """
        with self._database.writing() as table:
            return self._claim(table, owner, lease_seconds)

    def _claim(self, table: "Connection", owner: str, lease_seconds: float) -> Job | None:
        now = self._now()
        times = {"now": now, "never": now + LONGEST_SECONDS}
        to.END_UNWANTED.say(table, times)
        to.END_FATAL.say(table, times)
        held = {**self._asked(), **times, "owner": owner, "lease": now + lease_seconds}
        row = table.execute(to.CLAIM, held).one_or_none()
        return None if row is None else job_of(row)

    def is_outranked(self, job: Job) -> bool:
        """Return whether a job of a higher priority than *job* waits in this lane."""
        with self._database.reading() as table:
            asked = {**self._asked(), "rank": job.priority.rank}
            return table.execute(to.OUTRANKED, asked).one_or_none() is not None

    def reclaim(self, owner: str) -> None:
        """Count what *owner* held as abandoned: it has just started, so it holds nothing.

        Should an earlier process of this name still live after all, its next heartbeat or write
        is refused once another attempt has begun.
        """
        with self._database.writing() as table:
            table.execute(to.RECLAIM, {"mine": owner, "lease": self._now() - 1})

    def heartbeat(self, job: Job, lease_seconds: float = LEASE_SECONDS) -> bool:
        """Renew the lease of *job*; return whether somebody wants it cancelled.

        Raises:
            LeaseLostError: If another worker has it.
        """
        with self._database.writing() as table:
            values = self._mine(job, self._now() + lease_seconds)
            cancelled = table.execute(to.RENEW, values).scalar()
        if cancelled is None:
            raise _lost(job)
        return bool(cancelled)

    def progress(self, job: Job, said: Mapping[str, Any]) -> None:
        """Note what the handler of *job* says; raises as `heartbeat` does."""
        self._change(to.PROGRESS, job, json.dumps(said))

    def finish(self, job: Job, result: Mapping[str, Any]) -> None:
        """Note that *job* is done; raises as `heartbeat` does."""
        self._change(to.FINISH, job, json.dumps(result))

    def finish_for(
        self, job: Job, result: Mapping[str, Any], owner: str, lease_seconds: float = LEASE_SECONDS
    ) -> Job | None:
        """Do what `finish` does, and then what `claim` does, in one step."""
        with self._database.writing() as table:
            done = to.FINISH.say(table, self._mine(job, json.dumps(result)))
            if not done.rowcount:
                raise _lost(job)
            return self._claim(table, owner, lease_seconds)

    def again(self, job: Job, error: str, attempts: int) -> float | None:
        """Let *job* be tried again after a pause that doubles each time; raises as `heartbeat`.

        Args:
            job: The job, which failed.
            error: Why it did.
            attempts: How often it may be tried in all.

        Returns:
            The pause in seconds; `None` if this was the last attempt, and the job has failed.
        """
        values = self._mine(job, error)
        with self._database.writing() as table:
            failures = (table.execute(to.FAILURES, {"job": job.id}).scalar() or 0) + 1
            last = failures >= attempts
            if not (to.FAIL if last else to.AGAIN).say(table, values).rowcount:
                raise _lost(job)
            pause = min(PAUSE_SECONDS * 2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS)
            tried = {"job": job.id, "due": self._now() + pause, "failures": failures}
            table.execute(to.NOTE_TRY, tried)
        return None if last else pause

    def say(self, job: Job, line: str) -> None:
        """Keep *line* as what *job* said; of many, the last `LINES_KEPT` stay."""
        values = {"job": job.id, "now": self._now(), "line": line[:LINE_CHARACTERS]}
        with self._database.writing() as table:
            to.SAY.say(table, values)
            to.FORGET_LINES.say(table, {"job": job.id, "keep": LINES_KEPT})

    def fail(self, job: Job, error: str) -> None:
        """Note why *job* failed; raises as `heartbeat` does."""
        self._change(to.FAIL, job, error)

    def stop(self, job: Job) -> None:
        """Note that *job* was cancelled while it ran; raises as `heartbeat` does."""
        self._change(to.STOP, job, "cancelled")

    def give_back(self, job: Job) -> None:
        """Let another worker go on with *job*, which counts as no attempt."""
        self._change(to.GIVE_BACK, job, State.READY)

    def cancel(self, job_id: str) -> None:
        """Cancel a job: at once if it waits, soon if it runs.

        Raises:
            ConflictError: If it has ended.
            MissingError: If there is none.
        """
        with self._database.writing() as table:
            waiting = table.execute(to.CANCEL_WAITING, {"job": job_id, "now": self._now()})
            running = table.execute(to.CANCEL_RUNNING, {"job": job_id})
        if not waiting.rowcount and not running.rowcount:
            self.get(job_id)
            raise ConflictError("this job has ended already", subject=job_id)

    def retry(self, job_id: str) -> None:
        """Let a job that failed or was cancelled be tried again, at once.

        Raises:
            ConflictError: If it is in another state.
            MissingError: If there is none.
        """
        with self._database.writing() as table:
            done = table.execute(to.RETRY, {"job": job_id, "now": self._now()})
            if done.rowcount:
                table.execute(to.FORGET_TRIES, {"job": job_id})
        if not done.rowcount:
            self.get(job_id)
            raise ConflictError("this job has neither failed nor was it cancelled", subject=job_id)

    def add_periodic(self, kind: str, seconds: float) -> None:
        """Add a job of *kind* unless one was added less than *seconds* ago, or is under way."""
        now = self._now()
        with self._database.writing() as table:
            last = table.execute(to.NEWEST_OF, {"kind": kind}).scalar()
            busy = table.execute(to.UNFINISHED, {"kind": kind}).first()
            # One from the future was added before the clock was put back.
            if busy is None and (last is None or not 0 <= now - last < seconds):
                to.ADD.say(table, fresh(kind, {}, now))

    def sweep(self) -> list[str]:
        """Forget jobs that ended, or that nobody kept or released, a day ago; return their ids."""
        with self._database.writing() as table:
            gone = table.execute(to.SWEEP, {"before": self._now() - KEEP_SECONDS})
            names = [str(name) for name in gone.scalars()]
            if names:
                for orphans in to.FORGET_ORPHANS:
                    table.execute(orphans)
            return names

    def report(self, worker: str) -> None:
        """Note that *worker* is alive."""
        with self._database.writing() as table:
            table.execute(to.REPORT, {"name": worker, "seen": self._now()})

    def retire(self, worker: str) -> None:
        """Note that *worker* is not alive any more: whoever comes next has to report itself."""
        with self._database.writing() as table:
            table.execute(to.RETIRE, {"worker": worker})

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()

    def _change(self, change: Prepared, job: Job, value: object) -> None:
        """Do *change* if *job* is still ours.

        Raises:
            LeaseLostError: If it is not.
        """
        with self._database.writing() as table:
            done = change.say(table, self._mine(job, value))
        if not done.rowcount:
            raise _lost(job)

    def _asked(self) -> dict[str, object]:
        """Return by what the jobs are known that may be claimed now."""
        now = self._now()
        times = {"now": now, "latest": now + LONGEST_PAUSE_SECONDS}
        return {**times, "only": json.dumps(self._lane.only), "but": json.dumps(self._lane.but)}

    def _mine(self, job: Job, value: object) -> dict[str, object]:
        return {"job": job.id, "mine": job.token, "now": self._now(), "value": value}

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _lost(job: Job) -> LeaseLostError:
    return LeaseLostError("another worker has this job now", subject=job.id)
