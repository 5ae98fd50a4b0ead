# SPDX-License-Identifier: Apache-2.0
"""How long the answers of this process took, until somebody asks for it."""

import threading
from collections import deque
from dataclasses import dataclass

MOST = 1000


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer.

    Attributes:
        server: Where the model runs.
        model: Its name, as it was asked for.
        tokens: How many it wrote.
        seconds: How long it took to write them, without loading it or reading the question.
        at: When it was done, in seconds since 1970.
    """

    server: str
    model: str
    tokens: int
    seconds: float
    at: float


class Paces:
    """The newest answers that nobody has taken yet."""

    def __init__(self) -> None:
        """Know of none."""
        self._kept: deque[Answered] = deque(maxlen=MOST)
        self._lock = threading.Lock()

    def add(self, answered: Answered) -> None:
        """Keep *answered*; the oldest goes when there are too many."""
        with self._lock:
            self._kept.append(answered)

    def taken(self) -> list[Answered]:
        """Return all of them, and forget them."""
        with self._lock:
            found = list(self._kept)
            self._kept.clear()
        return found


PACES = Paces()
