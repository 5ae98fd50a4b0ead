# SPDX-License-Identifier: Apache-2.0
"""The last stage: store batches, in order, while the next ones are being made.

For every batch: note the intent, store the points, delete what they replace, note the result.
Each step may be cut off; whatever stands after it is put right by doing the document again.
"""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from .state import DocumentState, Known
from .store import Point, PointStore

AHEAD = 8  # batches that may wait, or be in the making; more would only cost memory


@dataclass(frozen=True, slots=True)
class Finished:
    """A document whose last chunk is in this batch.

    Attributes:
        known: What is to be known of it.
        chunks: A digest of each of its chunks, by chunk id.
        stale: Chunks it had and has no longer.
        in_doubt: Whether chunks may be stored that nobody knows.
        seconds: How long it took to read.
        news: What else is to be known with chunks that stay as they are, if some do.
        cut: How many of its new chunks are longer than the embedding model reads at once.
    """

    known: Known
    chunks: Mapping[str, str]
    stale: tuple[str, ...]
    in_doubt: bool
    seconds: float
    news: Mapping[str, Any] | None = None
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Points of one or more documents, and the documents that end with them."""

    points: Sequence[Point]
    sources: frozenset[str]
    finished: Sequence[Finished]


class Writer:
    """Stores batches in a thread of its own."""

    def __init__(
        self,
        store: PointStore,
        state: DocumentState,
        collection: str,
        check: Callable[[], None],
        done: Callable[[Batch], None],
    ) -> None:
        """Write to *collection*; what is called is called in the writer's thread.

        Args:
            store: Where the points go.
            state: Where the documents are noted.
            collection: The collection behind the alias.
            check: Called before each batch; raises if nothing more may be written.
            done: Called for each document that is stored.
        """
        self._store, self._state, self._collection = store, state, collection
        self._check, self._done = check, done
        self._queue: queue.Queue[Callable[[], Batch] | None] = queue.Queue(AHEAD)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def put(self, batch: Callable[[], Batch]) -> None:
        """Hand over what waits for a batch; raises what an earlier one did.

        Waits itself while too many are ahead.
        """
        self._raise()
        self._queue.put(batch)

    def drain(self) -> None:
        """Wait until all that was handed over is stored; raises what went wrong with it."""
        self._queue.join()
        self._raise()

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                if self._failure is None:  # else it only empties the queue, so that nobody waits
                    self._check()  # nobody waits for vectors that may not be stored
                    self._write(batch())
            except BaseException as failed:  # noqa: BLE001 - raised again by put or at the end
                self._failure = failed
            finally:
                self._queue.task_done()

    def _write(self, batch: Batch) -> None:
        self._check()
        self._state.intend(self._collection, batch.sources)
        if batch.points:
            self._store.upsert(self._collection, batch.points)
        stale = [chunk for each in batch.finished for chunk in each.stale]
        if stale:
            self._store.delete(self._collection, stale)
        for each in batch.finished:
            if each.in_doubt:
                self._store.delete_of(self._collection, [each.known.source], but=tuple(each.chunks))
            if each.news:
                self._store.tell_of(self._collection, each.known.source, each.news)
        self._state.settle(self._collection, [(each.known, each.chunks) for each in batch.finished])
        self._done(batch)

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *failure: object) -> None:
        """Write what waits; raise what went wrong unless something else did already."""
        self._queue.put(None)
        self._thread.join()
        if kind is None:
            self._raise()
