# SPDX-License-Identifier: Apache-2.0
"""The last stage: store batches, in order, while the next ones are being made.

For every batch: note the intent, store the points, delete what they replace, note the result.
Each step may be cut off; whatever stands after it is put right by doing the document again.
While the points of one batch are on their way, the intent of the next is noted and its points
follow: the store need not wait for the disk of the state. A batch is final only when its points
and those of all before it are stored.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from beast_ops.errors import LeaseLostError

from .state import DocumentState, Known
from .store import Point, PointStore

AHEAD = 8  # batches that may wait, or be in the making; more would only cost memory
AT_ONCE = 2  # batches on their way to the store: one it works on, and one it finds there then

T = TypeVar("T")


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
        self._is_over = False  # whether nothing may become final any more
        self._helpers = ThreadPoolExecutor(AT_ONCE + 1, thread_name_prefix="upsert")
        self._sent: deque[tuple[Batch, Future[None]]] = deque()
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
        with self._helpers:
            while (made := self._awaited(self._queue.get)) is not None:
                self._begin(made)
                while len(self._sent) >= (AT_ONCE if self._failure is None else 1):
                    self._end()
            while self._sent:
                self._end()

    def _begin(self, made: Callable[[], Batch]) -> None:
        """Send the points of a batch; after a failure only take it away, so that nobody waits."""
        try:
            if self._failure is None:
                self._check()  # nobody waits for vectors that may not be stored
                batch = self._awaited(made)
            if self._failure is None:
                self._check()
                self._state.intend(self._collection, batch.sources)
                self._sent.append((batch, self._helpers.submit(self._upsert, batch)))
                return
        except BaseException as failed:  # noqa: BLE001 - raised again by put or at the end
            self._failure = self._failure or failed
            self._is_over = self._is_over or isinstance(failed, LeaseLostError)
        self._queue.task_done()

    def _awaited(self, waiting: Callable[[], T]) -> T:
        """Return what *waiting* returns, making final meanwhile what is stored."""
        if not self._sent:
            return waiting()
        coming = self._helpers.submit(waiting)
        while self._sent and not coming.done():
            either: list[Future[Any]] = [coming, self._sent[0][1]]
            wait(either, return_when=FIRST_COMPLETED)
            if self._sent[0][1].done():
                self._end()
        return coming.result()

    def _upsert(self, batch: Batch) -> None:
        if batch.points:
            self._store.upsert(self._collection, batch.points)

    def _end(self) -> None:
        """Make the first batch on its way final once it is stored, if all before it are."""
        batch, sent = self._sent.popleft()
        try:
            sent.result()
            if not self._is_over:
                self._finish(batch)
        except BaseException as failed:  # noqa: BLE001 - raised again by put or at the end
            self._failure = self._failure or failed
            self._is_over = True
        finally:
            self._queue.task_done()

    def _finish(self, batch: Batch) -> None:
        stale = [chunk for each in batch.finished for chunk in each.stale]
        if stale:
            self._store.delete(self._collection, stale)
        for each in batch.finished:
            if each.in_doubt:
                self._store.delete_of(self._collection, [each.known.source], but=tuple(each.chunks))
        news = {each.known.source: each.news for each in batch.finished if each.news}
        if news:
            self._store.tell_of(self._collection, news)
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
