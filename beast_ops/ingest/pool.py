# SPDX-License-Identifier: Apache-2.0
"""Read many documents at once, each within limits; a bad one costs only itself.

Formats that untrusted bytes could use to crash, hang or bloat a reader are read in processes of
their own. Small plain texts are read right here: handing them over costs more than reading.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from beast_ops.errors import DocumentError

from .parse import parse, parser_for
from .parse.model import Document
from .pool_reader import Limits, Reader

AHEAD = 4  # documents per process that are under way or done but not asked for
PLAIN_BYTES = 1 << 18
END_SECONDS = 10.0
LOOK_SECONDS = 0.5

Key = TypeVar("Key")
Outcome = Document | DocumentError
Result = tuple[Any, Outcome | Exception, float]


@dataclass(slots=True)
class _Task:
    """A document to read, and where the outcome goes."""

    key: Any
    path: Path
    name: str
    results: "queue.SimpleQueue[tuple[Any, Outcome | Exception, float]]"
    over: threading.Event


class ParserPool:
    """Processes that read documents; use it in a `with` statement."""

    def __init__(self, processes: int, seconds: float, megabytes: int) -> None:
        """Make a pool; its processes start when there is something to read.

        Args:
            processes: How many there are.
            seconds: How long reading one document may take.
            megabytes: How much memory a process may use, in MiB.
        """
        self._ahead = AHEAD * processes
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        limits = Limits(seconds, megabytes)
        self._readers = [Reader(limits) for _ in range(processes)]
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._serve, args=(reader,), name="parser", daemon=True)
            for reader in self._readers
        ]

    def __enter__(self) -> Self:
        """Start the threads, one per process."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        """End all processes at once."""
        self._closed.set()
        for _ in self._threads:
            self._tasks.put(None)
        deadline = time.monotonic() + END_SECONDS
        for reader, thread in zip(self._readers, self._threads, strict=True):
            while thread.is_alive() and time.monotonic() < deadline:
                reader.kill()
                thread.join(0.05)

    def map(
        self, items: Iterable[tuple[Key, Path, str]], check: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[Key, Outcome, float]]:
        """Read what *items* name: a key, the file, and what its owner calls it.

        Items are taken as they are needed, so there may be any number of them.

        Args:
            items: What to read.
            check: Called every now and then while a document takes long; raises to give up.

        Yields:
            The key, the document or why there is none, and the seconds it took; in the order
            in which they are done.

        Raises:
            BeastError: If no process can be started.
        """
        results: queue.SimpleQueue[tuple[Any, Outcome | Exception, float]] = queue.SimpleQueue()
        over = threading.Event()
        waiting = 0
        try:
            for key, path, name in items:
                if _is_plain(path, name):
                    yield key, *_timed(path, name)
                else:
                    self._tasks.put(_Task(key, path, name, results, over))
                    waiting += 1
                while waiting >= self._ahead or (waiting and not results.empty()):
                    waiting -= 1
                    yield _unpacked(_awaited(results, check))
            for _ in range(waiting):
                yield _unpacked(_awaited(results, check))
        finally:
            over.set()  # nobody waits any more: what is queued need not be read

    def _serve(self, reader: Reader) -> None:
        """Read with *reader* until the pool closes; its process ends with this thread."""
        while (task := self._tasks.get()) is not None:
            if task.over.is_set() or self._closed.is_set():
                continue
            begun = time.monotonic()
            outcome: Outcome | Exception
            try:
                outcome = reader.read(task.path, task.name)
            except DocumentError as unreadable:
                outcome = DocumentError(str(unreadable), subject=task.name)
            except Exception as fault:  # noqa: BLE001 - raised where the results are asked for
                outcome = fault
            task.results.put((task.key, outcome, time.monotonic() - begun))
        reader.end()


def _awaited(results: "queue.SimpleQueue[Result]", check: Callable[[], None]) -> Result:
    while True:
        try:
            return results.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            check()


def _unpacked(result: tuple[Key, Outcome | Exception, float]) -> tuple[Key, Outcome, float]:
    key, outcome, seconds = result
    if isinstance(outcome, Document | DocumentError):
        return key, outcome, seconds
    raise outcome


def _is_plain(path: Path, name: str) -> bool:
    try:
        return parser_for(name).plain and path.stat().st_size <= PLAIN_BYTES
    except OSError:
        return True  # the reason is found out where it is read


def _timed(path: Path, name: str) -> tuple[Outcome, float]:
    begun = time.monotonic()
    outcome: Outcome
    try:
        outcome = parse(path, name)
    except DocumentError as unreadable:
        outcome = unreadable
    return outcome, time.monotonic() - begun
