# SPDX-License-Identifier: Apache-2.0
"""Events as they happen, to many listeners: one look at the outbox for all of them.

Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from beast_ops.database import FAILURES
from beast_ops.errors import UnavailableError
from beast_ops.events.model import Event
from beast_ops.events.outbox import KEPT, Outbox

from .counts import Counts

LOG = logging.getLogger("beast.api")
MOST = 100  # listeners at once; each costs a connection and some kilobytes
LOOK_SECONDS = 0.25
ALIVE_SECONDS = 15.0  # a proxy in between gives up what is silent for long
RETRY_MS = 2000

ENDING = threading.Event()
"""Set when this process is asked to end: who listens is let go, and comes back to the next one."""


class Feed:
    """The newest events, and whoever listens to them."""

    def __init__(self, path: Path, counts: Counts, most: int = MOST) -> None:
        """Look at the outbox at *path*.

        Args:
            path: The outbox.
            counts: Counts what happens from now on, and who listens.
            most: How many may listen at once.
        """
        self._path, self._counts, self._most = path, counts, most
        self._begun = False
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._news, self._look_now = asyncio.Condition(), asyncio.Event()
        self.listeners = 0

    @property
    def last(self) -> int:
        """The number of the newest event."""
        return self._events[-1].number if self._events else 0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        outbox: Outbox | None = None
        try:
            while True:
                try:
                    if outbox is None:
                        outbox = await asyncio.to_thread(Outbox, self._path)
                    await self._look(outbox)
                except (OSError, *FAILURES) as failed:
                    LOG.debug("no events are seen: %s", failed)
                await self._pause()
        finally:
            if outbox is not None:
                outbox.close()

    def nudge(self) -> None:
        """Look at once: there is news, says somebody."""
        self._look_now.set()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._look_now.wait()
        self._look_now.clear()

    async def _look(self, outbox: Outbox) -> None:
        found = await asyncio.to_thread(outbox.after, self.last)
        if found or ENDING.is_set():
            async with self._news:
                self._events.extend(found)
                self._news.notify_all()
        for event in found if self._begun else ():
            self._counts.count(event)
        self._begun = True

    def admit(self) -> None:
        """Count one more listener, who is to `leave` again.

        Raises:
            UnavailableError: If there are too many.
        """
        if self.listeners >= self._most:
            raise UnavailableError(
                f"{self._most} listen already", hint="Ask for GET /events now and then instead."
            )
        self.listeners += 1
        self._counts.listeners.set(self.listeners)

    def leave(self) -> None:
        """Count one listener less."""
        self.listeners -= 1
        self._counts.listeners.set(self.listeners)

    async def listen(self, after: int | None, names: str) -> AsyncIterator[bytes]:
        """Yield what a listener is sent, until this process ends.

        Args:
            after: The number of the last event it has seen; only what comes from now on if nothing.
            names: The beginning of names; all if empty.
        """
        last = self.last if after is None else after
        yield f"retry: {RETRY_MS}\n\n".encode()
        while not ENDING.is_set():
            fresh = [each for each in self._events if each.number > last]
            for event in fresh:
                last = event.number
                if event.name.startswith(names):
                    yield written(event)
            if not fresh and not await self._waited(last):
                yield b": alive\n\n"

    async def _waited(self, last: int) -> bool:
        """Return whether there is more than *last*; not if nothing came for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ALIVE_SECONDS), self._news:
                await self._news.wait_for(lambda: self.last > last or ENDING.is_set())
                return True
        return False


def written(event: Event) -> bytes:
    """Return *event* as it goes over the line."""
    data = json.dumps(shown(event), ensure_ascii=False, default=str)
    return f"id: {event.number}\nevent: {event.name}\ndata: {data}\n\n".encode()


def shown(event: Event) -> dict[str, object]:
    """Return *event* as the API shows it."""
    at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds")
    return {
        "number": event.number,
        "id": event.id,
        "name": event.name,
        "at": at,
        "source": event.source,
        "data": dict(event.data),
    }
