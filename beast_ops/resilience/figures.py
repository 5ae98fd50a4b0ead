# SPDX-License-Identifier: Apache-2.0
"""What calls of one service came to: counted in the process, shown to whoever asks."""

import threading
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

# From an answer of a small model that is loaded to one that fills its context.
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
OUTCOMES = ("answered", "refused", "unavailable", "slow", "resting", "left")


@dataclass(frozen=True, slots=True)
class Figures:
    """The calls of one service at one moment.

    Attributes:
        outcomes: Calls by how they ended, one of `OUTCOMES`: `refused` is an answer that says no,
            `resting` was not sent, `left` was given up by who asked.
        retries: How often it was asked again.
        running: Calls that are under way.
        waited: Seconds for which calls waited for their turn, in all.
        spent: Seconds that the calls took which were sent, waits included, in all.
        buckets: How many of these took no longer than each of `SECONDS`, and longer than all.
    """

    outcomes: Mapping[str, int]
    retries: int
    running: int
    waited: float
    spent: float
    buckets: tuple[int, ...]


class Tally:
    """Counts the calls of one service; for all threads."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._lock = threading.Lock()
        self._outcomes = dict.fromkeys(OUTCOMES, 0)
        self._buckets = [0] * (len(SECONDS) + 1)
        self._retries = self._running = 0
        self._waited = self._spent = 0.0

    @property
    def running(self) -> int:
        """Calls that are under way."""
        return self._running

    def begin(self) -> None:
        """Count a call that begins."""
        with self._lock:
            self._running += 1

    def end(self, outcome: str, seconds: float) -> None:
        """Count a call that ended in *outcome* after so many *seconds*."""
        with self._lock:
            self._running -= 1
            self._outcomes[outcome] += 1
            if outcome != "resting":
                self._spent += seconds
                self._buckets[bisect_left(SECONDS, seconds)] += 1

    def wait(self, seconds: float) -> None:
        """Count a wait for a turn."""
        with self._lock:
            self._waited += seconds

    def retry(self) -> None:
        """Count that a service is asked again."""
        with self._lock:
            self._retries += 1

    def figures(self) -> Figures:
        """Return what was counted so far."""
        with self._lock:
            return Figures(
                dict(self._outcomes),
                self._retries,
                self._running,
                self._waited,
                self._spent,
                tuple(self._buckets),
            )
