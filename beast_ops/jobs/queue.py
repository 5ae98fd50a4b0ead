# SPDX-License-Identifier: Apache-2.0
"""How long the queue of jobs is, and how long its oldest has waited; only looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database.look import looking

from .model import State


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue at one moment.

    Attributes:
        waiting: Jobs that could run, those whose worker fell silent included.
        running: Jobs some worker holds.
        oldest_seconds: How long the oldest of the waiting has waited.
        counts: How many jobs there are by kind and state, those that ended included.
    """

    waiting: int
    running: int
    oldest_seconds: float
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)


def look(database: Path, clock: Clock = SYSTEM) -> Queue | None:
    """Return the queue in the job table *database*; `None` if there is no table yet.

    Raises:
        DatabaseError: If it cannot be read.
        DatabaseBusyError: If another process does not let go of it.
    """
    if not database.is_file():
        return None
    now = clock.now().timestamp()
    with looking(database) as table:
        rows = table.execute(
            "SELECT state, changed, lease FROM jobs WHERE state IN (?, ?)",
            (State.READY, State.RUNNING),
        ).fetchall()
        counted = table.execute(
            "SELECT kind, state, count(*) AS found FROM jobs GROUP BY kind, state"
        ).fetchall()
    since = [row["changed"] for row in rows if row["state"] == State.READY]
    held = [row["lease"] for row in rows if row["state"] == State.RUNNING]
    since += [lease for lease in held if lease < now]
    return Queue(
        waiting=len(since),
        running=sum(lease >= now for lease in held),
        oldest_seconds=max(0.0, now - min(since, default=now)),
        counts={(row["kind"], row["state"]): row["found"] for row in counted},
    )
