# SPDX-License-Identifier: Apache-2.0
"""A bus whose events go to the outbox too, many at once, without holding up who publishes."""

import logging
import queue
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from beast_ops.database import FAILURES
from beast_ops.valkey import Valkey

from .bus import Bus
from .model import Event
from .outbox import Outbox

if TYPE_CHECKING:  # loads the client of Valkey, which most do not need
    from .stream import Sender

LOG = logging.getLogger("beast.events")
WAITING = 1000
PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 5.0
# What happens all the time is written down now and then: it would push all else out.
FREQUENT, SELDOM_SECONDS = frozenset({"rag.queried"}), 5.0


class Publisher:
    """Publishes for one process; what cannot be written down is logged and forgotten."""

    def __init__(self, path: Path, source: str, through: Valkey | None = None) -> None:
        """Write to the outbox at *path*.

        Args:
            path: The outbox.
            source: Who publishes.
            through: By what it is sent to other processes, too.
        """
        self.bus = Bus(source)
        self._path = path
        self._sender = None if through is None else _sender(through)
        self._waiting: queue.Queue[Event] = queue.Queue(WAITING)
        self._seldom = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write, name="events", daemon=True)
        self.bus.subscribe(self._take)
        self._thread.start()

    def publish(self, name: str, **data: Any) -> None:
        """Tell what happened; see `Bus.publish`."""
        self.bus.publish(name, **data)

    def close(self) -> None:
        """Write down what waits, and end."""
        self._closing.set()
        self._thread.join(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Write down what waits."""
        self.close()

    def _take(self, event: Event) -> None:
        if event.name in FREQUENT:
            if 0 <= event.at - self._seldom < SELDOM_SECONDS:
                return
            self._seldom = event.at
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            LOG.warning("%s is not written down: too much happens", event.name)

    def _write(self) -> None:
        outbox: Outbox | None = None
        while True:
            last = self._closing.wait(PAUSE_SECONDS)
            events = self._all()
            try:
                if events:
                    outbox = outbox or Outbox(self._path)
                    outbox.add(events)
            except (OSError, *FAILURES) as failed:
                LOG.warning("events are not written down: %s", failed)
            if self._sender is not None:
                self._sender.send(events)
            if last:
                break
        if self._sender is not None:
            self._sender.close()
        if outbox is not None:
            outbox.close()

    def _all(self) -> list[Event]:
        found: list[Event] = []
        with suppress(queue.Empty):
            while True:
                found.append(self._waiting.get_nowait())
        return found


def _sender(through: Valkey) -> "Sender":
    from .stream import Sender

    return Sender(through)
