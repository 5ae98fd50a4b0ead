# SPDX-License-Identifier: Apache-2.0
"""Which models are in memory, and for how long."""

import os
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from . import models

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_FOREVER = 365 * 86400.0 * 100


def seconds(text: Any) -> float:
    """Return how long *text* says in Go's notation or as a number of seconds."""
    if isinstance(text, int | float):
        return float(text)
    if re.fullmatch(r"-?\d+", text):
        return float(text)
    found = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if not found:
        raise ValueError(f'time: invalid duration "{text}"')
    total = sum(float(number) * _UNITS[unit] for number, unit in found)
    return -total if text.startswith("-") else total


class Loaded:
    """The models in memory."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock, self._until = threading.Lock(), dict[str, datetime]()

    @staticmethod
    def is_none(keep_alive: Any) -> bool:
        """Return whether *keep_alive* means not at all."""
        return keep_alive is not None and seconds(keep_alive) == 0

    @staticmethod
    def now() -> str:
        """Return the time as Ollama writes it."""
        return datetime.now(UTC).isoformat().replace("+00:00", "Z")

    def use(self, name: str, keep_alive: Any) -> None:
        """Load *name* and keep it as long as was asked, or as the environment says."""
        given = os.environ.get("OLLAMA_KEEP_ALIVE") or "5m"
        span = seconds(given if keep_alive is None else keep_alive)
        with self._lock:
            if span == 0:
                self._until.pop(name, None)
            else:
                length = timedelta(seconds=span if span > 0 else _FOREVER)
                self._until[name] = datetime.now(UTC) + length

    def drop(self, name: str) -> None:
        """Unload *name*."""
        with self._lock:
            self._until.pop(name, None)

    def described(self) -> list[dict[str, Any]]:
        """Return what `/api/ps` says; on a CPU nothing lies in video memory."""
        now = datetime.now(UTC)
        with self._lock:
            self._until = {name: until for name, until in self._until.items() if until > now}
            kept = dict(self._until)
        rows = []
        for name, until in kept.items():
            about = models.described(name)
            row = {key: about[key] for key in ("name", "model", "size", "digest", "details")}
            when = until.isoformat().replace("+00:00", "Z")
            rows.append(
                {**row, "expires_at": when, "size_vram": 0, "context_length": models.CONTEXT}
            )
        return rows
