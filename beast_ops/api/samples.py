# SPDX-License-Identifier: Apache-2.0
"""The last hour of a few figures, for pages that draw them; gone with the process."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

KEPT = 240  # an hour of one each 15 s


@dataclass(frozen=True, slots=True)
class Sample:
    """Figures of one moment.

    Attributes:
        requests: Requests answered since the process began.
        searches: Searches answered since then.
        jobs: Jobs that wait or run.
        memory: Bytes of memory in use on the machine; `None` if nobody knows.
    """

    requests: int
    searches: int
    jobs: int
    memory: float | None


class Samples:
    """The newest samples, at even distances."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._kept: deque[Sample] = deque(maxlen=KEPT)

    def add(self, sample: Sample) -> None:
        """Keep *sample*; the oldest goes when there are too many."""
        self._kept.append(sample)

    def growth(self, name: str) -> list[float]:
        """Return by how much the figure *name* grew from sample to sample, the oldest first."""
        return [after - before for before, after in pairwise(self.levels(name))]

    def levels(self, name: str) -> list[float]:
        """Return the figure *name* at each sample that knows it, the oldest first."""
        found = (getattr(each, name) for each in self._kept)
        return [value for value in found if value is not None]
