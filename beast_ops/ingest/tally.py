# SPDX-License-Identifier: Apache-2.0
"""Keep count of an ingestion: the contract of `ingest --json`."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beast_ops.clock import SYSTEM, Clock

from .sources import shown
from .stages import Stages

SAY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one document; `seconds` is the time it took to read it.

    `note` is what its owner should know although it was read.
    """

    source: str
    chunks: int
    error: str | None = None
    seconds: float = 0.0
    note: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the line as the contract has it."""
        line = {
            "path": shown(self.source),
            "ok": self.error is None,
            "chunks": self.chunks,
            "error": self.error,
            "seconds": round(self.seconds, 3),
        }
        return {**line, "note": self.note} if self.note else line


class Tally:
    """Counts documents and chunks, and estimates when it will be over.

    Attributes:
        stages: How far each stage is.
    """

    def __init__(self, collection: str, seen: int, clock: Clock = SYSTEM) -> None:
        """Count an ingestion of *seen* documents into *collection*."""
        self._collection, self._seen, self._clock = collection, seen, clock
        self._begun = clock.monotonic()
        self._lock = threading.Lock()  # the writer counts in a thread of its own
        self._said = float("-inf")
        self._lines: list[Line] = []
        self.stages = Stages(seen, clock)
        self._embedded: Mapping[str, int] | None = None
        self._counts = {"ingested": 0, "unchanged": 0, "deleted": 0, "failed": 0}

    def ingested(self, line: Line) -> None:
        """Count a document whose chunks are stored."""
        self._add("ingested", line)

    def unchanged(self, line: Line) -> None:
        """Count a document that cost nothing."""
        self._add("unchanged", line)

    def failed(self, line: Line) -> None:
        """Count a document that could not be read."""
        self._add("failed", line)

    def trouble(self, line: Line) -> None:
        """Count what is no document but failed like one."""
        self._seen += 1
        self.failed(line)

    def deleted(self, count: int) -> None:
        """Count documents whose chunks left."""
        self._counts["deleted"] += count

    def embedded(self, figures: Mapping[str, int] | None) -> None:
        """Note how the vectors came to be, if there are any."""
        self._embedded = figures

    def _add(self, kind: str, line: Line) -> None:
        with self._lock:
            self._counts[kind] += 1
            self._lines.append(line)

    @property
    def due(self) -> bool:
        """Whether it is time to say how far it is; true at most every `SAY_SECONDS`."""
        now = self._clock.monotonic()
        if now - self._said < SAY_SECONDS:
            return False
        self._said = now
        return True

    def progress(self) -> dict[str, Any]:
        """Return how far it is: documents done, rate per second, seconds to go, each stage."""
        seconds = self._clock.monotonic() - self._begun
        done = len(self._lines)
        rate = done / seconds if seconds > 0 else 0.0
        left = (self._seen - done) / rate if rate else None
        return {
            "done": done,
            "seen": self._seen,
            "failed": self._counts["failed"],
            "rate": round(rate, 1),
            "eta": round(left) if left is not None else None,
            "stages": self.stages.told(),
        }

    def result(self) -> Mapping[str, Any]:
        """Return the whole as the contract has it."""
        embedded = {} if self._embedded is None else {"embedded": dict(self._embedded)}
        return {
            "collection": self._collection,
            "documents": {"seen": self._seen, **self._counts},
            "chunks": sum(line.chunks for line in self._lines if line.error is None),
            **embedded,
            "seconds": round(self._clock.monotonic() - self._begun, 3),
            "results": [line.as_dict() for line in self._lines],
        }
