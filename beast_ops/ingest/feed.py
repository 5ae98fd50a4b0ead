# SPDX-License-Identifier: Apache-2.0
"""Carry over to a collection what it has still to be told of, with vectors of its own.

A source at a time is made equal to what the collection in force has of it: points stored, points
deleted, then noted. Each step may be cut off; the source then stays noted and is done again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from .copies import ids_of, points_of
from .embedding import Embedded, Embedding
from .members import Members
from .store import Point, PointStore
from .target import Target

SOURCES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast: chunks in a batch, and how many batches are embedded at once."""

    batch: int
    at_once: int


class Feed:
    """Keeps one collection in step with the one in force."""

    def __init__(
        self,
        store: PointStore,
        members: Members,
        live: str,
        target: Target,
        pace: Pace,
    ) -> None:
        """Feed the collection of *target* from the collection *live*."""
        self._store, self._members, self._live = store, members, live
        self._target, self._pace = target, pace
        self.refused = 0
        self.figures: Mapping[str, int] | None = None

    def run(self, check: Callable[[], None], say: Callable[[int], None]) -> None:
        """Carry over everything that is noted.

        Args:
            check: Called before anything is written; raises if nothing more may be.
            say: Told how many sources are still noted.

        Raises:
            UnavailableError: If the store or the model server does not answer.
        """
        collection = self._target.collection
        with Embedding(self._target, self._pace.at_once) as embedding:
            while notes := self._members.untold(collection, SOURCES_AT_ONCE):
                check()
                self._carry([each.source for each in notes], embedding, check)
                self._members.told(self._live, collection, notes)
                say(self._members.count(collection))
            self.figures = embedding.figures()

    def _carry(
        self, sources: Sequence[str], embedding: Embedding, check: Callable[[], None]
    ) -> None:
        collection = self._target.collection
        stale = ids_of(self._store, collection, sources)
        points = points_of(self._store, self._live, sources)
        for made in self._embedded(points, embedding):
            check()
            stored = [self._fit(made, place) for place in range(len(made.points))]
            self._store.upsert(collection, stored)
            stale.difference_update(point.id for point in stored)
        if stale:
            self._store.delete(collection, sorted(stale))

    def _embedded(self, points: Iterable[Point], embedding: Embedding) -> Iterator[Embedded]:
        """Yield *points* with vectors, in batches; some are made while one is stored."""
        waiting: deque[Callable[[], Embedded]] = deque()
        rest = iter(points)
        while batch := list(islice(rest, self._pace.batch)):
            waiting.append(embedding.begin([("", point) for point in batch]))
            if len(waiting) > self._pace.at_once:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()

    def _fit(self, made: Embedded, place: int) -> Point:
        """Return a point as it is stored: one that the model refuses is found by words only."""
        point = made.points[place][1]
        if place not in made.reasons:
            return point
        self.refused += 1
        return replace(point, dense=None)
