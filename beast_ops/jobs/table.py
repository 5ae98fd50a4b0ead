# SPDX-License-Identifier: Apache-2.0
"""The job table: what is to be done, by whom, until when they must show a sign of life.

A worker holds a job under a lease it renews. When it is killed the lease runs out and the next
worker takes the job, with a higher fencing token; the old one, should it come back, may no
longer write. (Leases with fencing tokens: C. Gray and D. Cheriton, "Leases", SOSP 1989;
M. Kleppmann, "Designing Data-Intensive Applications", chapter 8.)
"""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database
from beast_ops.errors import ConflictError, LeaseLostError, MissingError

from .model import ENDED, Job, State

LEASE_SECONDS = 20.0
ATTEMPTS = 5  # a job that took five workers with it is not handed to a sixth
KEEP_SECONDS = 86_400.0  # results are kept for a day, and so are jobs nobody sends anything to
KEPT_SECONDS = 600.0  # between two notes that a job is still wanted

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL,
    token INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, owner TEXT,
    lease REAL NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
    progress TEXT NOT NULL DEFAULT '{}', result TEXT, error TEXT,
    created REAL NOT NULL, changed REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created);
CREATE TABLE IF NOT EXISTS workers (name TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT;
"""

# A lease that ends later than any could was written before the clock was put back.
_ABANDONED = f"(state = '{State.RUNNING}' AND (lease < :now OR lease > :never))"
LONGEST_SECONDS = 600.0


class JobTable:
    """The jobs of an installation; safe for several threads and processes."""

    def __init__(self, path: Path, clock: Clock = SYSTEM) -> None:
        """Open the table in the file *path*, making it if it is missing."""
        self._clock = clock
        self._database = Database(path, SCHEMA)

    def add(
        self, kind: str, payload: Mapping[str, Any], *, held: bool = False, job_id: str = ""
    ) -> str:
        """Add a job and return its id; a *held* one waits until it is released."""
        name = job_id or uuid.uuid4().hex
        now = self._now()
        state = State.HELD if held else State.READY
        with self._database.writing() as table:
            table.execute(
                "INSERT INTO jobs (id, kind, payload, state, created, changed)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (name, kind, json.dumps(payload), state, now, now),
            )
        return name

    def release(self, job_id: str) -> None:
        """Let a held job run.

        Raises:
            ConflictError: If it is not held.
            MissingError: If there is none.
        """
        with self._database.writing() as table:
            done = table.execute(
                "UPDATE jobs SET state = ?, changed = ? WHERE id = ? AND state = ?",
                (State.READY, self._now(), job_id, State.HELD),
            )
        if not done.rowcount:
            self.get(job_id)
            raise ConflictError("this job is not waiting to be started", subject=job_id)

    def keep(self, job_id: str) -> None:
        """Note that somebody still sends what a held job waits for, so that it is not swept."""
        now = self._now()
        with self._database.reading() as table:  # nearly always: nothing to write
            row = table.execute(
                "SELECT 1 FROM jobs WHERE id = ? AND state = ? AND changed NOT BETWEEN ? AND ?",
                (job_id, State.HELD, now - KEPT_SECONDS, now),
            ).fetchone()
        if row is None:
            return
        with self._database.writing() as table:
            table.execute(
                "UPDATE jobs SET changed = ? WHERE id = ? AND state = ?", (now, job_id, State.HELD)
            )

    def claim(self, owner: str, lease_seconds: float = LEASE_SECONDS) -> Job | None:
        """Hand the oldest job that is ready, or whose worker fell silent, to *owner*.

        Args:
            owner: Who will work on it.
            lease_seconds: How long without a heartbeat until it is taken for dead, at most
                `LONGEST_SECONDS`.
        """
        now = self._now()
        with self._database.writing() as table:
            self._end_hopeless(table, now)
            row = table.execute(
                f"SELECT id FROM jobs WHERE state = '{State.READY}' OR {_ABANDONED}"  # noqa: S608 - constants of this file
                " ORDER BY created, id LIMIT 1",
                _times(now),
            ).fetchone()
            if row is None:
                return None
            table.execute(
                "UPDATE jobs SET state = ?, owner = ?, lease = ?, token = token + 1,"
                " attempts = attempts + 1, changed = ? WHERE id = ?",
                (State.RUNNING, owner, now + lease_seconds, now, row["id"]),
            )
            return _job(table.execute("SELECT * FROM jobs WHERE id = ?", (row["id"],)).fetchone())

    def reclaim(self, owner: str) -> None:
        """Count what *owner* held as abandoned: it has just started, so it holds nothing.

        Should an earlier process of this name still live after all, its next heartbeat or write
        is refused once another attempt has begun.
        """
        now = self._now()
        with self._database.writing() as table:
            table.execute(
                "UPDATE jobs SET lease = ? WHERE state = ? AND owner = ?",
                (now - 1, State.RUNNING, owner),
            )

    def _end_hopeless(self, table: sqlite3.Connection, now: float) -> None:
        """End what nobody holds and nobody should go on with."""
        table.execute(
            f"UPDATE jobs SET state = '{State.CANCELLED}', changed = :now, error = 'cancelled'"  # noqa: S608 - constants of this file
            f" WHERE cancelled = 1 AND (state = '{State.READY}' OR {_ABANDONED})",
            _times(now),
        )
        reason = f"its worker ended {ATTEMPTS} times while it ran; see the worker's log"
        table.execute(
            f"UPDATE jobs SET state = '{State.FAILED}', changed = :now, error = :reason"  # noqa: S608 - constants of this file
            f" WHERE attempts >= {ATTEMPTS} AND {_ABANDONED}",
            {**_times(now), "reason": reason},
        )

    def heartbeat(self, job: Job, lease_seconds: float = LEASE_SECONDS) -> bool:
        """Renew the lease of *job*; return whether somebody wants it cancelled.

        Raises:
            LeaseLostError: If another worker has it.
        """
        with self._database.writing() as table:
            self._change(table, job, "lease = ?", self._now() + lease_seconds)
            row = table.execute("SELECT cancelled FROM jobs WHERE id = ?", (job.id,)).fetchone()
            return bool(row["cancelled"])

    def progress(self, job: Job, said: Mapping[str, Any]) -> None:
        """Note what the handler of *job* says; raises as `heartbeat` does."""
        with self._database.writing() as table:
            self._change(table, job, "progress = ?", json.dumps(said))

    def finish(self, job: Job, result: Mapping[str, Any]) -> None:
        """Note that *job* is done; raises as `heartbeat` does."""
        self._end(job, State.DONE, "result", json.dumps(result))

    def fail(self, job: Job, error: str) -> None:
        """Note why *job* failed; raises as `heartbeat` does."""
        self._end(job, State.FAILED, "error", error)

    def stop(self, job: Job) -> None:
        """Note that *job* was cancelled while it ran; raises as `heartbeat` does."""
        self._end(job, State.CANCELLED, "error", "cancelled")

    def give_back(self, job: Job) -> None:
        """Let another worker go on with *job*, which counts as no attempt."""
        with self._database.writing() as table:
            self._change(table, job, "attempts = attempts - 1, state = ?", State.READY)

    def cancel(self, job_id: str) -> None:
        """Cancel a job: at once if it waits, soon if it runs.

        Raises:
            ConflictError: If it has ended.
            MissingError: If there is none.
        """
        now = self._now()
        with self._database.writing() as table:
            waiting = table.execute(
                "UPDATE jobs SET state = ?, error = 'cancelled', changed = ?"
                " WHERE id = ? AND state IN (?, ?)",
                (State.CANCELLED, now, job_id, State.HELD, State.READY),
            )
            running = table.execute(
                "UPDATE jobs SET cancelled = 1 WHERE id = ? AND state = ?", (job_id, State.RUNNING)
            )
        if not waiting.rowcount and not running.rowcount:
            self.get(job_id)
            raise ConflictError("this job has ended already", subject=job_id)

    def get(self, job_id: str) -> Job:
        """Return the job called *job_id*.

        Raises:
            MissingError: If there is none.
        """
        with self._database.reading() as table:
            row = table.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise MissingError("there is no such job", subject=job_id)
        return _job(row)

    def newest(self, limit: int = 50) -> list[Job]:
        """Return the newest jobs, at most *limit*, without their results, which may be large."""
        with self._database.reading() as table:
            rows = table.execute(
                "SELECT id, kind, payload, state, token, progress, NULL AS result, error, created"
                " FROM jobs ORDER BY created DESC, id LIMIT ?",
                (limit,),
            )
            return [_job(row) for row in rows]

    def sweep(self) -> list[str]:
        """Forget jobs that ended, or that nobody kept or released, a day ago; return their ids."""
        before = self._now() - KEEP_SECONDS
        states = (*sorted(ENDED), State.HELD)
        marks = ", ".join("?" * len(states))
        with self._database.writing() as table:
            rows = table.execute(
                f"DELETE FROM jobs WHERE changed < ? AND state IN ({marks}) RETURNING id",  # noqa: S608 - only question marks are put in
                (before, *states),
            ).fetchall()
        return [str(row["id"]) for row in rows]

    def report(self, worker: str) -> None:
        """Note that *worker* is alive."""
        with self._database.writing() as table:
            table.execute(
                "INSERT INTO workers VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET seen = excluded.seen",
                (worker, self._now()),
            )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()

    def _end(self, job: Job, state: State, column: str, text: str) -> None:
        with self._database.writing() as table:
            self._change(table, job, f"state = '{state}', {column} = ?", text)

    def _change(self, table: sqlite3.Connection, job: Job, change: str, value: object) -> None:
        """Do *change* if *job* is still ours.

        Raises:
            LeaseLostError: If it is not.
        """
        done = table.execute(
            f"UPDATE jobs SET {change}, changed = ? WHERE id = ? AND token = ? AND state = ?",  # noqa: S608 - *change* is written in this file
            (value, self._now(), job.id, job.token, State.RUNNING),
        )
        if not done.rowcount:
            raise LeaseLostError("another worker has this job now", subject=job.id)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _times(now: float) -> dict[str, float]:
    return {"now": now, "never": now + LONGEST_SECONDS}


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        payload=json.loads(row["payload"]),
        state=State(row["state"]),
        token=row["token"],
        created=row["created"],
        progress=json.loads(row["progress"]),
        result=json.loads(row["result"]) if row["result"] else None,
        error=row["error"],
    )
