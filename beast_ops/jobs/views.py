# SPDX-License-Identifier: Apache-2.0
"""What one may see of the job table without changing it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from beast_ops.database import Database
from beast_ops.errors import MissingError

from . import statements as to
from .model import Job, Priority, State, Wanted


class Views:
    """The part of the job table that only looks."""

    _database: Database

    def get(self, job_id: str) -> Job:
        """Return the job called *job_id*.

        Raises:
            MissingError: If there is none.
        """
        with self._database.reading() as table:
            row = table.execute(to.GET, {"job": job_id}).fetchone()
        if row is None:
            raise MissingError("there is no such job", subject=job_id)
        return job_of(row)

    def waiting(self, kind: str) -> list[Job]:
        """Return the jobs of *kind* that no worker has begun yet, the oldest first."""
        with self._database.reading() as table:
            return [job_of(row) for row in table.execute(to.WAITING, {"kind": kind})]

    def unfinished(self, kind: str) -> list[Job]:
        """Return the jobs of *kind* that wait or run, the oldest first."""
        with self._database.reading() as table:
            return [job_of(row) for row in table.execute(to.UNFINISHED, {"kind": kind})]

    def newest(self, limit: int = 50) -> list[Job]:
        """Return the newest jobs, at most *limit*, without their results, which may be large."""
        return self.page(Wanted(), limit, 0)[1]

    def page(self, wanted: Wanted, limit: int, offset: int) -> tuple[int, list[Job]]:
        """Return how many jobs are *wanted*, and *limit* of them, without their results.

        Args:
            wanted: Which.
            limit: How many at most, the newest first.
            offset: How many to leave out first.
        """
        values = {"kind": wanted.kind, "state": wanted.state}
        with self._database.reading() as table:
            total = table.execute(to.COUNT, values).scalar_one()
            rows = table.execute(to.PAGE, {**values, "most": limit, "skip": offset})
            return int(total), [job_of(row) for row in rows]

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many jobs there are, by kind and state."""
        with self._database.reading() as table:
            return {(row.kind, row.state): row.found for row in table.execute(to.COUNTS)}

    def log(self, job_id: str, limit: int = 100) -> Sequence[tuple[float, str]]:
        """Return the last lines of a job, each with its time in seconds since the epoch.

        Raises:
            MissingError: If there is no such job.
        """
        self.get(job_id)
        with self._database.reading() as table:
            rows = table.execute(to.LOG, {"job": job_id, "most": limit}).fetchall()
        return [(row.at, row.text) for row in reversed(rows)]


def job_of(row: Row[*tuple[Any, ...]]) -> Job:
    """Return the job in *row*."""
    return Job(
        id=row.id,
        kind=row.kind,
        payload=json.loads(row.payload),
        state=State(row.state),
        token=row.token,
        created=row.created,
        progress=json.loads(row.progress),
        result=json.loads(row.result) if row.result else None,
        error=row.error,
        changed=row.changed,
        due=row.due,
        failures=row.failures,
        priority=list(Priority)[row.rank],
    )


def fresh(kind: str, payload: Mapping[str, Any], now: float) -> dict[str, object]:
    """Return the row of a job added *now*, in seconds since the epoch, as urgent as most."""
    return {
        "id": uuid.uuid4().hex,
        "kind": kind,
        "payload": json.dumps(payload),
        "state": State.READY,
        "rank": Priority.NORMAL.rank,
        "created": now,
        "changed": now,
    }
