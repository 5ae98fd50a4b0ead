# SPDX-License-Identifier: Apache-2.0
"""What takes long: verbs that run as children of the agent, and can be looked at meanwhile.

Each is on record as one file below `<root>/logs/operations`, its output beside it, so whoever
asked may lose sight of it and find it again: a restore starts even the API anew.
"""

import logging
import os
import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BusyError, CommandError
from beast_ops.keeper.child import Child, environment, words_of
from beast_ops.lease import lease
from beast_ops.place import Place

from .ledger import Ledger, Operation, tail

LOG = logging.getLogger("beast.agent")
TICK_SECONDS = 0.2
AT_ONCE = 4
DEADLINE_SECONDS = 6 * 3600.0
FREE = frozenset({"verify"})  # reads alone, so it waits for nobody

Start = Callable[[Sequence[str], Path], Child]
Tell = Callable[[Operation], None]


@dataclass(slots=True)
class _Under:
    """An operation under way."""

    operation: Operation
    child: Child
    begun: float


class Operations:
    """The operations of one installation."""

    def __init__(
        self,
        place: Place,
        clock: Clock = SYSTEM,
        start: Start | None = None,
        tell: Tell = lambda _: None,
    ) -> None:
        """Run operations at *place*; what an agent before us left running ended with it.

        Args:
            place: The installation.
            clock: What time it is.
            start: Starts the words of a verb, with its output in a file.
            tell: Told of each operation when it begins and when it ends.
        """
        self._place, self._clock, self._tell = place, clock, tell
        self._start = start or self._verb
        self.ledger = Ledger(place, clock)
        self._under: dict[str, _Under] = {}
        self._turn = threading.Lock()
        self._asked: queue.Queue[tuple[Operation, Sequence[str], Future[None]]] = queue.Queue()
        self._stopping = threading.Event()
        # A child ends with the *thread* that started it (prctl(2)), so one thread starts them all.
        self._thread = threading.Thread(target=self._attend, name="operations", daemon=True)
        for lost in self.ledger.interrupted():
            self._told(lost)
        self._thread.start()

    def begin(self, kind: str, words: Sequence[str], name: str = "") -> Operation:
        """Start the verb *words* and return the operation, which runs.

        Args:
            kind: What is done, such as `backup`.
            words: The verb and its words.
            name: What it is done with: a backup, or a service.

        Raises:
            BusyError: If another operation holds the installation.
            CommandError: If it cannot be started.
        """
        with self._turn:
            self._admit(kind)
            operation = Operation(id=uuid.uuid4().hex, kind=kind, name=name, started=self._now())
            started: Future[None] = Future()
            self._asked.put((operation, words, started))
            try:
                started.result(timeout=30)
            except OSError as failed:
                raise CommandError(f"{kind} cannot be started: {failed.strerror}") from failed
        return operation

    def close(self) -> None:
        """End what runs, and say so."""
        self._stopping.set()
        self._thread.join()

    def _admit(self, kind: str) -> None:
        """Return if another operation may begin.

        Raises:
            BusyError: If not.
        """
        if self._stopping.is_set():
            raise BusyError("the agent is about to end", hint="Try again in a moment.")
        running = [each.operation for each in self._under.values()]
        held = [each for each in running if each.kind not in FREE]
        if len(running) >= AT_ONCE or (held and kind not in FREE):
            first = (held or running)[0]
            raise BusyError(
                f"another operation is under way: {first.kind}, since {first.started}",
                subject=first.id,
                hint="Wait for it to end.",
            )
        if kind not in FREE:
            with lease(self._place.run, kind, clock=self._clock):
                pass  # only to know that nobody else holds it now; the child takes it for itself

    def _attend(self) -> None:
        while not self._stopping.is_set():
            with suppress(queue.Empty):
                self._launch(*self._asked.get(timeout=TICK_SECONDS))
            for under in list(self._under.values()):
                self._look(under)
        for under in list(self._under.values()):
            under.child.end()
            self._end(under, None, "the agent was stopped, and this with it")

    def _launch(self, operation: Operation, words: Sequence[str], started: Future[None]) -> None:
        try:
            self.ledger.keep(operation)
            child = self._start(words, self.ledger.output(operation.id))
        except OSError as failed:
            LOG.exception("%s cannot be started", operation.kind)
            with suppress(OSError):
                self.ledger.forget(operation.id)
            started.set_exception(failed)
            return
        self._under[operation.id] = _Under(operation, child, self._clock.monotonic())
        LOG.info("%s %s begins: %s", operation.kind, operation.name, operation.id)
        started.set_result(None)
        self._told(operation)

    def _look(self, under: _Under) -> None:
        """See whether *under* has ended, or takes too long."""
        code = under.child.code()
        if code is not None:
            self._end(under, code)
        elif self._clock.monotonic() - under.begun > DEADLINE_SECONDS:
            under.child.end()
            self._end(under, None, f"it took longer than {DEADLINE_SECONDS / 3600:g} h")

    def _end(self, under: _Under, code: int | None, why: str = "") -> None:
        del self._under[under.operation.id]
        try:
            ended = self.ledger.end(under.operation, code, why)
        except OSError:
            LOG.exception("the end of %s cannot be written down", under.operation.id)
            return
        LOG.info("%s %s: %s", ended.kind, ended.id, ended.state)
        self._told(ended)

    def _told(self, operation: Operation) -> None:
        try:
            self._tell(operation)
        except Exception:
            LOG.exception("nobody was told of operation %s", operation.id)

    def _verb(self, words: Sequence[str], output: Path) -> Child:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            return Child(words_of(words), environment(self._place.root), handle)
        finally:
            os.close(handle)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


__all__ = ["Operation", "Operations", "tail"]
