# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: what goes wrong next, and how often."""

import threading
import time
from dataclasses import dataclass
from typing import Any


@dataclass
class Fault:
    """One fault: an answer with this status, or a line of error in a stream, or slowness."""

    path: str
    status: int = 0
    line: str = ""
    after: int = 0
    seconds: float = 0
    times: int = 1


class Faults:
    """All faults that wait to happen."""

    def __init__(self) -> None:
        """Start without any."""
        self._lock, self._waiting = threading.Lock(), list[Fault]()

    def add(self, values: dict[str, Any]) -> None:
        """Remember one."""
        with self._lock:
            self._waiting.append(Fault(**values))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._waiting.clear()

    def take(self, path: str) -> Fault | None:
        """Return the fault that happens to a request for *path* now, if any, and be slow."""
        with self._lock:
            found = next((fault for fault in self._waiting if fault.path == path), None)
            if found:
                found.times -= 1
                if not found.times:
                    self._waiting.remove(found)
        if found and found.seconds:
            time.sleep(found.seconds)
        return found
