# SPDX-License-Identifier: Apache-2.0
"""Documents whose content is in the collection already: renamed ones, and copies.

They are not read, cut or embedded again: their passages are those of the other one, under
another name, with the dense vectors that are there. Of equal documents that come in together,
the first is read, and the others wait until it is stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from beast_ops.clock import SYSTEM

from .batches import digest_of, modified, place_of
from .chunk import Namer
from .copies import points_of
from .lexical import words_of
from .manifest import DocumentEntry
from .parse.formats import parser_for, suffix_of
from .sources import shown
from .state import Known, Twin
from .store import Point
from .target import Target
from .task import Task
from .writer import Batch, Finished

ASKS = 50  # documents whose hashes are read in the time it takes to ask for one


@dataclass(frozen=True, slots=True)
class _Copy:
    """A document that is to be stored as a copy."""

    known: Known
    points: Sequence[Point]
    in_doubt: bool
    seconds: float


class Twins:
    """Finds documents of the same content and copies what is stored of them.

    Attributes:
        later: Documents that wait for an equal one, with their places in the manifest.
        may_wait: Whether documents may wait.
    """

    def __init__(
        self,
        task: Task,
        target: Target,
        busy: set[str],
        put: Callable[[Callable[[], Batch]], None],
    ) -> None:
        """Copy within the collection of *target*.

        Args:
            task: Whose documents.
            target: The collection.
            busy: Sources that this run reads again: what is stored of them is about to change.
            put: Takes what is to be stored, as `Writer.put` does.
        """
        self._state, self._store, self._target = task.state, task.store, target
        self._size, self._busy, self._put = task.around.settings.batch, busy, put
        self._under_way: set[tuple[str, str]] = set()
        self._contents = self._all_contents()
        self._last: tuple[str, list[Point]] = ("", [])
        self._copies: list[_Copy] = []
        self.later: list[tuple[int, DocumentEntry]] = []
        self.may_wait = True

    def is_under_way(self, known: Known) -> bool:
        """Return whether an equal document is being read, so that *known* may wait for it."""
        return self.may_wait and _likes(known) in self._under_way

    def begun(self, known: Known) -> None:
        """Take notice that *known* is going to be read."""
        self._under_way.add(_likes(known))

    def settled(self, known: Known) -> None:
        """Take notice that *known* is stored, so that it may be copied."""
        self._busy.discard(known.source)
        self._under_way.discard(_likes(known))
        if self._contents is not None:
            self._contents.add(known.sha256)

    def deliver(self, known: Known, name: str, *, in_doubt: bool) -> int:
        """Have the document *known* stored as a copy, if there is one to copy.

        Args:
            known: What is to be known of it.
            name: What its owner calls it, which decides how it is read.
            in_doubt: Whether passages of it may be stored that nobody knows.

        Returns:
            How many passages it has; none if there is nothing to copy.

        Raises:
            UnavailableError: If the store does not answer.
        """
        if self._contents is not None and known.sha256 not in self._contents:
            return 0
        begun = SYSTEM.monotonic()
        for twin in self._state.twins(self._target.collection, known.sha256):
            if twin.source in self._busy or not _same_format(twin.source, known.source):
                continue
            points = self._points(twin, known)
            if points and points[0].payload["type"] == parser_for(name).type:
                signed = replace(known, signature=twin.signature)
                seconds = SYSTEM.monotonic() - begun
                self._copies.append(_Copy(signed, points, in_doubt, seconds))
                if sum(len(each.points) for each in self._copies) >= self._size:
                    self.flush()
                return len(points)
        return 0

    def _all_contents(self) -> set[str] | None:
        """Return what there is a document of, or `None` if asking each time costs less."""
        collection = self._target.collection
        if self._state.count(collection) > ASKS * len(self._busy):
            return None
        return self._state.contents(collection)

    def flush(self) -> None:
        """Hand over what there is."""
        copies, self._copies = self._copies, []
        if copies:
            self._put(partial(self._batch, copies))

    def _points(self, twin: Twin, known: Known) -> list[Point] | None:
        """Return the passages of *twin* as those of *known*, or `None` if some are missing."""
        found = self._stored(twin.source)
        if len(found) != twin.count:
            return None
        namer, place = Namer(known.source), place_of(known.source)
        made = [
            Point(
                namer.name(tuple(point.payload["heading"]), str(point.payload["text"])),
                {**point.payload, **place, "modified": modified(known.mtime_ns)},
                dense=point.dense,
            )
            for point in found
        ]
        return self._with_words(made)

    def _stored(self, source: str) -> list[Point]:
        """Return what is stored of *source*; asked once when several copies follow each other."""
        if self._last[0] != source:
            dense = self._target.embedder is not None
            found = list(points_of(self._store, self._target.collection, [source], dense=dense))
            found.sort(key=lambda point: int(point.payload["position"]))
            self._last = (source, found)
        return self._last[1]

    def _with_words(self, points: Sequence[Point]) -> list[Point]:
        """Return *points* with sparse vectors, which depend on the name of the document."""
        if self._target.lexical is None:
            return list(points)
        sparse = self._target.lexical.documents([words_of(point.payload) for point in points])
        return [replace(point, sparse=made) for point, made in zip(points, sparse, strict=True)]

    def _batch(self, copies: Sequence[_Copy]) -> Batch:
        points = [point for copy in copies for point in copy.points]
        sources = frozenset(copy.known.source for copy in copies)
        return Batch(points, sources, [self._finished(copy) for copy in copies])

    def _finished(self, copy: _Copy) -> Finished:
        digests = {point.id: digest_of(point.payload) for point in copy.points}
        before = self._state.chunks(self._target.collection, copy.known.source)
        stale = tuple(ident for ident in before if ident not in digests)
        return Finished(copy.known, digests, stale, copy.in_doubt, copy.seconds)


def _likes(known: Known) -> tuple[str, str]:
    """Return what equal documents have in common: their content, and how they are read."""
    return known.sha256, suffix_of(shown(known.source))


def _same_format(one: str, other: str) -> bool:
    """Return whether both are read by the same reader, as far as names say."""
    return suffix_of(shown(one)) == suffix_of(shown(other))
