# SPDX-License-Identifier: Apache-2.0
"""What a health check can find, and what many findings mean together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How well something is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


EXIT_CODES = {Status.HEALTHY: 0, Status.DEGRADED: 1, Status.UNHEALTHY: 2, Status.UNKNOWN: 3}
_WORST_FIRST = (Status.UNHEALTHY, Status.DEGRADED, Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look showed: a status, a sentence, and figures for machines."""

    status: Status
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """A finding with its name, and how long finding it took in milliseconds."""

    name: str
    status: Status
    message: str
    details: Mapping[str, Any]
    duration_ms: float

    def as_dict(self) -> dict[str, Any]:
        """Return the check as the JSON contract has it."""
        return {
            "name": self.name,
            "status": self.status.value,
            "message": self.message,
            "details": dict(self.details),
            "duration_ms": round(self.duration_ms, 1),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one moment."""

    timestamp: datetime
    checks: tuple[Check, ...]

    @property
    def status(self) -> Status:
        """How well everything is together."""
        return overall(check.status for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 degraded, 2 unhealthy, 3 unknown."""
        return EXIT_CODES[self.status]

    @property
    def passable(self) -> bool:
        """Whether one may go on with this: healthy or degraded."""
        return self.status in {Status.HEALTHY, Status.DEGRADED}

    def as_dict(self) -> dict[str, Any]:
        """Return the report as the JSON contract has it."""
        return {
            "status": self.status.value,
            "timestamp": self.timestamp.isoformat(),
            "checks": [check.as_dict() for check in self.checks],
        }


def overall(statuses: Iterable[Status]) -> Status:
    """Return what many statuses are together.

    Unhealthy if any is, else degraded if any is, else unknown if any is, else healthy; nothing
    at all is unknown, for then nobody looked.
    """
    found = set(statuses)
    if not found:
        return Status.UNKNOWN
    return next((status for status in _WORST_FIRST if status in found), Status.HEALTHY)
