# SPDX-License-Identifier: Apache-2.0
"""Events on their way between processes that share no outbox, or sooner than one looks into it.

Each process writes into an outbox first; then it sends the same into a stream of Valkey. Whoever
reads the stream writes what its own outbox does not have into it, so that an event that is sent
twice, or that both processes wrote into one outbox, is there once. Every reader begins with all
that the stream still holds: nothing is missed while nobody reads.
"""

import asyncio
import json
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import FAILURES
from beast_ops.valkey import AGAIN_SECONDS, Valkey

from .model import KNOWN, Event
from .outbox import KEPT, Outbox

LOG = logging.getLogger("beast.events")
KEY, FIELD = "beast:events", b"event"
START = "0-0"
WAIT_MS = 5000
AT_ONCE = 200
FIELDS = ("id", "name", "at", "source", "data")


class Sender:
    """Sends events into the stream; keeps the last `KEPT` of those it could not send."""

    def __init__(self, valkey: Valkey, clock: Clock = SYSTEM) -> None:
        """Send through *valkey*, which is asked only when it is needed."""
        self._client, self._clock = valkey.client(), clock
        self._unsent: deque[Event] = deque(maxlen=KEPT)
        self._turn = threading.Lock()
        self._again = float("-inf")

    def send(self, events: Iterable[Event], *, last: bool = False) -> None:
        """Send *events*, and what waits to be sent; never fails.

        Args:
            events: What happened.
            last: Whether there is no later time to try again.
        """
        with self._turn:
            self._unsent.extend(events)
            if not self._unsent or (not last and self._clock.monotonic() < self._again):
                return
            try:
                with self._client.pipeline(transaction=False) as pipe:
                    for each in self._unsent:
                        pipe.xadd(KEY, {FIELD: _written(each)}, maxlen=KEPT, approximate=True)
                    pipe.execute()
                self._unsent.clear()
            except (RedisError, OSError) as failed:
                self._again = self._clock.monotonic() + AGAIN_SECONDS
                LOG.warning("events wait for Valkey, which does not answer: %s", failed)

    def close(self) -> None:
        """Send what waits, if that is possible, and end."""
        self.send((), last=True)
        self._client.close()


class Relay:
    """Writes what comes by the stream into an outbox, until cancelled."""

    def __init__(self, valkey: Valkey, path: Path, news: Callable[[], None]) -> None:
        """Write into the outbox at *path*.

        Args:
            valkey: Where the stream is.
            path: The outbox.
            news: Told whenever something came, whether it was there already or not.
        """
        self._valkey, self._path, self._news = valkey, path, news
        self._last: bytes | str = START

    async def run(self) -> None:
        """Read and write; while either fails, try again now and then."""
        pool = self._valkey.async_pool(WAIT_MS / 1000)
        try:
            while True:
                try:
                    await self._read(AsyncRedis(connection_pool=pool))
                except (RedisError, OSError, *FAILURES) as failed:
                    LOG.warning("no events come by Valkey: %s", failed)
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            await pool.disconnect()

    async def _read(self, client: "AsyncRedis") -> None:
        outbox = await asyncio.to_thread(Outbox, self._path)
        try:
            while True:
                asked: Awaitable[Any] = client.xread({KEY: self._last}, AT_ONCE, WAIT_MS)
                found = entries(await asked)
                if found:
                    events = [event for _, event in found if event is not None]
                    await asyncio.to_thread(outbox.add_new, events)
                    self._last = found[-1][0]
                    self._news()
        finally:
            outbox.close()


def entries(answer: Any) -> Sequence[tuple[bytes, Event | None]]:
    """Return the entries of the stream in *answer*: the place of each, and its event, if it is one.

    Args:
        answer: What XREAD answers, by either version of the protocol.
    """
    if not answer:
        return []
    (listed,) = answer.values() if isinstance(answer, dict) else [each for _, each in answer]
    flat = listed[0] if isinstance(answer, dict) else listed
    return [(place, _read(fields.get(FIELD, b""))) for place, fields in flat]


def _written(event: Event) -> bytes:
    said = {name: getattr(event, name) for name in FIELDS}
    return json.dumps(said, ensure_ascii=False, default=str).encode()


def _read(text: bytes) -> Event | None:
    """Return the event in *text*; `None` if it is none of ours."""
    try:
        said = json.loads(text)
        event = Event(**{name: said[name] for name in FIELDS})
    except (ValueError, KeyError, TypeError):
        return None
    strings = all(isinstance(each, str) for each in (event.id, event.name, event.source))
    sound = isinstance(event.at, int | float) and isinstance(event.data, dict)
    return event if strings and sound and event.name in KNOWN else None
