# SPDX-License-Identifier: Apache-2.0
"""Documents whose content is in the collection already: renamed ones, and copies.

They are not read, cut or embedded again: their passages are those of the other one, under
another name, with the dense vectors that are there.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from beast_ops.clock import SYSTEM

from .batches import digest_of, modified, place_of
from .chunk import Namer
from .copies import points_of
from .lexical import words_of
from .parse.formats import parser_for, suffix_of
from .sources import shown
from .state import DocumentState, Known, Twin
from .store import Point, PointStore
from .target import Target
from .writer import Batch, Finished


@dataclass(frozen=True, slots=True)
class Twins:
    """Finds documents of the same content and copies what is stored of them.

    Attributes:
        state: What is known of documents.
        store: Where their passages are.
        target: The collection.
        busy: Sources that this run reads again: what is stored of them is about to change.
        put: Takes what is to be stored, as `Writer.put` does.
    """

    state: DocumentState
    store: PointStore
    target: Target
    busy: Collection[str]
    put: Callable[[Callable[[], Batch]], None]

    def deliver(self, known: Known, name: str) -> bool:
        """Have the document *known* stored as a copy; return whether there was one to copy.

        Args:
            known: What is to be known of it.
            name: What its owner calls it, which decides how it is read.

        Raises:
            UnavailableError: If the store does not answer.
        """
        begun = SYSTEM.monotonic()
        for twin in self.state.twins(self.target.collection, known.sha256):
            if twin.source in self.busy or not _same_format(twin.source, known.source):
                continue
            points = self._points(twin, known)
            if points and points[0].payload["type"] == parser_for(name).type:
                signed = replace(known, signature=twin.signature)
                self.put(partial(self._batch, signed, points, begun))
                return True
        return False

    def _points(self, twin: Twin, known: Known) -> list[Point] | None:
        """Return the passages of *twin* as those of *known*, or `None` if some are missing."""
        dense = self.target.embedder is not None
        found = list(points_of(self.store, self.target.collection, [twin.source], dense=dense))
        if len(found) != twin.count:
            return None
        found.sort(key=lambda point: int(point.payload["position"]))
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

    def _with_words(self, points: Sequence[Point]) -> list[Point]:
        """Return *points* with sparse vectors, which depend on the name of the document."""
        if self.target.lexical is None:
            return list(points)
        sparse = self.target.lexical.documents([words_of(point.payload) for point in points])
        return [replace(point, sparse=made) for point, made in zip(points, sparse, strict=True)]

    def _batch(self, known: Known, points: list[Point], begun: float) -> Batch:
        digests = {point.id: digest_of(point.payload) for point in points}
        before = self.state.chunks(self.target.collection, known.source)
        stale = tuple(ident for ident in before if ident not in digests)
        seconds = SYSTEM.monotonic() - begun
        finished = Finished(known, digests, stale, in_doubt=True, seconds=seconds)
        return Batch(points, frozenset({known.source}), [finished])


def _same_format(one: str, other: str) -> bool:
    """Return whether both are read by the same reader, as far as names say."""
    return suffix_of(shown(one)) == suffix_of(shown(other))
