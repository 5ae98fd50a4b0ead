# SPDX-License-Identifier: Apache-2.0
"""The stage before the last: make vectors of several batches at once.

A model server answers several requests together sooner than one after the other, and the reader
goes on meanwhile. Batches are stored in the order in which they came all the same.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

from beast_ops.llm import TextError

from .lexical import words_of
from .store import Point
from .target import Target


@dataclass(frozen=True, slots=True)
class Embedded:
    """A batch with its vectors.

    Attributes:
        points: The source and the point of each chunk, in order.
        reasons: Why the model refused some of them, by their place.
    """

    points: Sequence[tuple[str, Point]]
    reasons: Mapping[int, str] = field(default_factory=dict)


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

    def begin(self, points: Sequence[tuple[str, Point]]) -> Callable[[], Embedded]:
        """Begin with *points*, chunks with their sources; return what waits for the result."""
        return self._pool.submit(self._embedded, points).result

    def _embedded(self, points: Sequence[tuple[str, Point]]) -> Embedded:
        made = embedded(self._target, points)
        self._done(len(points))
        return made

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Forget what was not begun, and wait for what was."""
        self._pool.shutdown(cancel_futures=True)


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
    dense, reasons = _dense(target, [str(point.payload["text"]) for _, point in points])
    made = [
        (
            source,
            Point(
                point.id,
                point.payload,
                sparse[place] if sparse is not None else None,
                dense[place] if dense is not None else None,
            ),
        )
        for place, (source, point) in enumerate(points)
    ]
    return Embedded(made, reasons)


def _dense(target: Target, texts: Sequence[str]) -> tuple[Any, Mapping[int, str]]:
    """Return the dense vectors of *texts*, if there are any, and why some have none."""
    if target.embedder is None:
        return None, {}
    try:
        return target.embedder.embed_documents(texts), {}
    except TextError as refused:
        return refused.vectors, refused.reasons
