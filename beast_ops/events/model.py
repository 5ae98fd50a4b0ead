# SPDX-License-Identifier: Apache-2.0
"""What an event is, and which there are."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What may follow the dot stands behind it; whoever filters does so by the first words.
NAMES: Mapping[str, tuple[str, ...]] = {
    "agent.task": ("started", "completed", "failed"),
    "backup": ("running", "done", "failed", "interrupted"),
    "drill": ("running", "done", "failed", "interrupted"),
    "job": ("started", "done", "failed", "cancelled"),
    "model": ("downloaded", "deleted", "updated"),
    "plan": ("running", "done", "failed", "interrupted"),
    "rag": ("ingested", "queried"),
    "restart": ("running", "done", "failed", "interrupted"),
    "restore": ("running", "done", "failed", "interrupted"),
    "service": ("started", "stopped", "error"),
    "system": ("startup", "shutdown", "error"),
    "verify": ("running", "done", "failed", "interrupted"),
}
KNOWN = frozenset(f"{first}.{last}" for first, lasts in NAMES.items() for last in lasts)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        name: What it was, one of `KNOWN`.
        at: When, in seconds since the epoch.
        source: Which process tells it.
        data: What belongs to it: names and figures, never a secret or what somebody asked.
        id: No other event has it.
        number: Where it stands in the outbox; later ones have higher numbers. 0 before.
    """

    name: str
    at: float
    source: str
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    number: int = 0
