# SPDX-License-Identifier: Apache-2.0
"""What a job is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job stands."""

    HELD = "held"  # waits for what it needs, such as uploads
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Priority(StrEnum):
    """How urgent a job is; the first comes first."""

    HIGH = "high"  # somebody waits for it
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Its place among them, as the table has it; the lowest comes first."""
        return list(Priority).index(self)


LOOK_SECONDS = 0.2  # between two looks for a job, where nothing tells that there is one
ATTEMPTS = 5  # a job that took five workers with it is not handed to a sixth
ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Lane:
    """The kinds of jobs that one worker takes, so that what is long holds up nothing short.

    Attributes:
        only: These alone; all if empty.
        but: None of these.
    """

    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


EVERYTHING = Lane()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are looked for: of a kind, in a state; all where nothing is said."""

    kind: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stood when it was read.

    Attributes:
        id: Its name, made of letters, digits and hyphens.
        kind: Which handler runs it.
        payload: What the handler needs.
        state: Where it stands.
        token: The fencing token: how often it was handed out. Whoever holds an older one
            has lost the job.
        progress: What its handler last said.
        result: What it came to, once done.
        error: Why it failed, once failed.
        created: When it was added, in seconds since the epoch.
        priority: How urgent it is.
        changed: When it last changed, likewise.
        due: Not to be tried before, likewise.
        failures: How often it was tried in vain and is to be tried again.
    """

    id: str
    kind: str
    payload: Mapping[str, Any]
    state: State
    token: int
    created: float
    progress: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: str | None = None
    priority: Priority = Priority.NORMAL
    changed: float = 0.0
    due: float = 0.0
    failures: int = 0
