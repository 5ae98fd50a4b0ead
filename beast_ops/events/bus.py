# SPDX-License-Identifier: Apache-2.0
"""The bus of one process: whoever subscribed is told; who fails at it disturbs nobody."""

import asyncio
import inspect
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from beast_ops.clock import SYSTEM, Clock

from .model import KNOWN, Event

LOG = logging.getLogger("beast.events")
HISTORY = 1000

Handler = Callable[[Event], Awaitable[None] | None]


class Bus:
    """Hands events to those who subscribed, and keeps the last `HISTORY`; for all threads."""

    def __init__(self, source: str, clock: Clock = SYSTEM) -> None:
        """Publish as *source*."""
        self._source, self._clock = source, clock
        self._handlers: list[tuple[str, Handler]] = []
        self._history: deque[Event] = deque(maxlen=HISTORY)
        self._turn = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def subscribe(self, handler: Handler, names: str = "") -> Callable[[], None]:
        """Have *handler* called with every event whose name begins with *names*.

        Args:
            handler: A function, or one that is awaited: in the loop of who publishes if there is
                one, else in a loop of its own.
            names: The beginning of names; all if empty.

        Returns:
            What ends the subscription.
        """
        entry = (names, handler)
        with self._turn:
            self._handlers.append(entry)

        def end() -> None:
            with self._turn:
                if entry in self._handlers:
                    self._handlers.remove(entry)

        return end

    def publish(self, name: str, **data: Any) -> Event:
        """Tell everybody what happened, and return it.

        Raises:
            ValueError: If *name* is none of `KNOWN`: a mistake of ours.
        """
        if name not in KNOWN:
            raise ValueError(f"there is no event called {name}")
        event = Event(name, self._clock.now().timestamp(), self._source, data)
        with self._turn:
            self._history.append(event)
            handlers = [each for names, each in self._handlers if name.startswith(names)]
        for each in handlers:
            self._call(each, event)
        return event

    def history(self) -> list[Event]:
        """Return the last events, the oldest first."""
        with self._turn:
            return list(self._history)

    def _call(self, handler: Handler, event: Event) -> None:
        try:
            answer = handler(event)
            if inspect.iscoroutine(answer):
                self._await(answer, event)
        except Exception:
            LOG.exception("a handler failed at %s", event.name)

    def _await(self, answer: Coroutine[Any, Any, None], event: Event) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(answer)
            return
        task = loop.create_task(answer)
        self._tasks.add(task)  # the loop itself keeps only weak references

        def ended(done: "asyncio.Task[None]") -> None:
            self._tasks.discard(done)
            if not done.cancelled() and (failed := done.exception()):
                LOG.error("a handler failed at %s", event.name, exc_info=failed)

        task.add_done_callback(ended)
