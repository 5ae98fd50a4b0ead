# SPDX-License-Identifier: Apache-2.0
"""How far each stage of an ingestion is: what went through it, how fast, how long it has to go.

Documents are found and parsed; passages are cut from them, get vectors and are stored. How many
passages there will be is estimated by those of the documents that were cut so far.
"""

import math
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from beast_ops.clock import SYSTEM, Clock

FIND, PARSE, CHUNK, EMBED, UPSERT = STAGES = ("find", "parse", "chunk", "embed", "upsert")
DOCUMENTS = frozenset({FIND, PARSE})
SPAN_SECONDS = 30.0  # the rate is that of the last ones


class Stages:
    """Counts what goes through the stages; safe for several threads."""

    def __init__(self, seen: int, clock: Clock = SYSTEM) -> None:
        """Count an ingestion of *seen* documents, of which all are to be parsed for now."""
        self._lock, self._clock = threading.Lock(), clock
        self._counts = dict.fromkeys(STAGES, 0)
        self._seen = self._parsed_at_last = seen
        self._cut = 0
        self._past = deque([(clock.monotonic(), dict(self._counts))])

    def passed(self, stage: str, count: int = 1) -> None:
        """Note that *count* documents or passages went through *stage*."""
        with self._lock:
            self._counts[stage] += count

    def cut(self, passages: int) -> None:
        """Note that a document was cut into *passages* that are new."""
        with self._lock:
            self._cut += 1
            self._counts[CHUNK] += passages

    def spared(self, count: int = 1) -> None:
        """Note that *count* documents need not be parsed after all."""
        with self._lock:
            self._parsed_at_last -= count

    def told(self) -> list[Mapping[str, Any]]:
        """Return each stage as the progress of a job has it: rate per second, eta in seconds."""
        with self._lock:
            now, counts = self._clock.monotonic(), dict(self._counts)
            self._past.append((now, counts))
            while len(self._past) > 2 and now - self._past[1][0] >= SPAN_SECONDS:  # noqa: PLR2004 - two ends
                self._past.popleft()
            then, before = self._past[0]
            return [
                _stage(name, counts[name], self._of(name), counts[name] - before[name], now - then)
                for name in STAGES
            ]

    def _of(self, stage: str) -> int | None:
        """Return how many will have gone through *stage*; `None` if nothing tells yet."""
        if stage == FIND:
            return self._seen
        if stage == PARSE:
            return self._parsed_at_last
        if not self._cut:
            return None if self._parsed_at_last else 0
        return round(self._counts[CHUNK] * max(1.0, self._parsed_at_last / self._cut))


def _stage(name: str, done: int, of: int | None, lately: int, seconds: float) -> Mapping[str, Any]:
    rate = lately / seconds if seconds > 0 else 0.0
    left = None if of is None else max(0, of - done)
    eta = 0 if left == 0 else None if left is None or not rate else math.ceil(left / rate)
    return {
        "stage": name,
        "unit": "documents" if name in DOCUMENTS else "passages",
        "done": done,
        "of": of,
        "rate": round(rate, 1),
        "eta": eta,
    }
