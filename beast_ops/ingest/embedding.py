# SPDX-License-Identifier: Apache-2.0
"""The stage before the last: make vectors of several batches at once.

A model server answers several requests together sooner than one after the other, and the reader
goes on meanwhile. Batches are stored in the order in which they came all the same. What a model
server is asked for at once is less than a batch, so the parts of a batch are asked for together:
the first batch is there sooner, and at the end no request is without company for long.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

from beast_ops.llm.cached import CachedEmbedder
from beast_ops.llm.ollama import BATCH, OllamaEmbedder
from beast_ops.llm.whole import Whole, embed_whole

from .lexical import words_of
from .store import Point
from .target import Target


@dataclass(frozen=True, slots=True)
class Embedded:
    """A batch with its vectors.

    Attributes:
        points: The source and the point of each chunk, in order.
        reasons: Why the model refused some of them, by their place.
        cut: The places of those that are longer than the model reads at once.
    """

    points: Sequence[tuple[str, Point]]
    reasons: Mapping[int, str] = field(default_factory=dict)
    cut: frozenset[int] = frozenset()


class Embedding:
    """Makes the vectors of batches in threads of its own."""

    def __init__(
        self, target: Target, at_once: int, done: Callable[[int], None] = lambda _: None
    ) -> None:
        """Make the vectors of *target*, of at most *at_once* batches at the same time.

        Args:
            target: What makes them.
            at_once: How many batches.
            done: Told how many points a batch had once it has its vectors, in any thread.
        """
        self._target, self._done = target, done
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="embed")
        self._lock = threading.Lock()
        self._asked = self._cut = 0

    def begin(self, points: Sequence[tuple[str, Point]]) -> Callable[[], Embedded]:
        """Begin with *points*, chunks with their sources; return what waits for the result."""
        size = self._together(len(points))
        parts = [points[begin : begin + size] for begin in range(0, len(points), max(1, size))]
        made = [self._pool.submit(self._embed, part) for part in parts or [points]]
        return lambda: joined([each.result() for each in made])

    def _together(self, count: int) -> int:
        """Return how many of *count* points one thread takes."""
        embedder = self._target.embedder
        return BATCH if embedder is not None and embedder.name == OllamaEmbedder.name else count

    def figures(self) -> Mapping[str, int] | None:
        """Return how the vectors came to be so far; `None` if there are to be none.

        `passages` is how many there were, `made` how many texts were given to the model,
        `remembered` how many did not need to be, `cut` how many passages are longer than it reads
        at once: each is two texts or more.
        """
        embedder = self._target.embedder
        if embedder is None:
            return None
        made, spared = self._asked, 0
        if isinstance(embedder, CachedEmbedder):
            made, spared = embedder.made, embedder.spared
        return {"passages": self._asked, "made": made, "remembered": spared, "cut": self._cut}

    def _embed(self, points: Sequence[tuple[str, Point]]) -> Embedded:
        made = embedded(self._target, points)
        with self._lock:
            self._asked += len(points)
            self._cut += len(made.cut)
        self._done(len(points))
        return made

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Forget what was not begun, and wait for what was."""
        self._pool.shutdown(cancel_futures=True)


def joined(parts: Sequence[Embedded]) -> Embedded:
    """Return *parts* of one batch as a whole."""
    if len(parts) == 1:
        return parts[0]
    points: list[tuple[str, Point]] = []
    reasons: dict[int, str] = {}
    cut: set[int] = set()
    for part in parts:
        reasons.update({len(points) + place: said for place, said in part.reasons.items()})
        cut.update(len(points) + place for place in part.cut)
        points += part.points
    return Embedded(points, reasons, frozenset(cut))


def embedded(target: Target, points: Sequence[tuple[str, Point]]) -> Embedded:
    """Return *points* with the vectors of *target*.

    Raises:
        UnavailableError: If the model server does not answer.
        ServiceError: If it refuses.
    """
    if not points:
        return Embedded(points)
    lexical = target.lexical
    sparse = (
        lexical.documents([words_of(point.payload) for _, point in points]) if lexical else None
    )
    made = _dense(target, [str(point.payload["text"]) for _, point in points])
    whole = [
        (
            source,
            Point(
                point.id,
                point.payload,
                sparse[place] if sparse is not None else None,
                made.vectors[place] if made is not None else None,
            ),
        )
        for place, (source, point) in enumerate(points)
    ]
    return Embedded(whole, made.reasons, made.cut) if made is not None else Embedded(whole)


def _dense(target: Target, texts: Sequence[str]) -> Whole | None:
    """Return the dense vectors of *texts*, if there are to be any."""
    return None if target.embedder is None else embed_whole(target.embedder, texts)
