# SPDX-License-Identifier: Apache-2.0
"""The client that is awaited: `Client`, in the other colour."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Self

from beast_ops import http
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import UnavailableError

from .asked import Again, Asked
from .refusals import NOT_RUNNING, parsed, pause, refusal
from .rooms_async import AsyncRooms
from .sse import Message, Reader
from .stream import EVENTS, PATIENCE_SECONDS, QUIET_SECONDS, Follower
from .waiting import SECONDS
from .where import Where, found


class AsyncClient(AsyncRooms):
    """The API of an installation, to be awaited; see `Client`."""

    def __init__(
        self,
        where: Where | None = None,
        *,
        seconds: float = SECONDS,
        again: Again | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """Open the API; what is said, and what is raised, is as with `Client`."""
        place = where or found()
        self._client = http.async_client(place.address, headers=place.headers, seconds=seconds)
        self._again, self._clock, self._seconds = again or Again(), clock, seconds

    async def call(self, asked: Asked) -> Any:
        """Return what the API answers to *asked*; raises as `Client.call` does."""
        key, begun, attempt = self._again.key(asked), self._clock.monotonic(), 0
        while True:
            attempt += 1
            told, safe = 0.0, asked.repeatable
            try:
                with http.speaking_to("the API", hint=NOT_RUNNING):
                    options = asked.options(key)
                    answer = await self._client.request(asked.method, asked.path, **options)
                told = pause(answer)
                return parsed(answer)
            except UnavailableError as away:
                safe = safe or (asked.content is None and http.was_never_sent(away))
                taken = self._clock.monotonic() - begun
                seconds = self._again.wait(attempt, told, taken, safe=safe)
                if seconds is None:
                    raise
            await asyncio.sleep(seconds)

    def messages(self, asked: Asked) -> AsyncIterator[Message]:
        """Yield the events of the answer to *asked*, as `Client.messages` does."""
        return self._messages(asked, {}, self._seconds)

    async def follow(
        self, names: str = "", after: int | None = None, patience: float = PATIENCE_SECONDS
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Yield what happens, as `Client.follow` does."""
        follower = Follower(names, after, patience, self._clock)
        while True:
            try:
                if follower.last is None:
                    follower.begin((await self.events.list(limit=1))["events"])
                asked, headers = follower.asked()
                heard = self._messages(asked, headers, QUIET_SECONDS, follower.reached)
                async with aclosing(heard) as messages:
                    async for message in messages:
                        yield follower.saw(message)
            except UnavailableError as away:
                follower.lost(away)
            await asyncio.sleep(follower.pause())

    async def _messages(
        self,
        asked: Asked,
        headers: Mapping[str, str],
        seconds: float,
        reached: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Message]:
        options = asked.options()
        options["headers"] |= {**EVENTS, **headers}
        with http.speaking_to("the API", hint=NOT_RUNNING):
            async with self._client.stream(
                asked.method, asked.path, timeout=seconds, **options
            ) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise refusal(answer)
                reached()
                reader = Reader()
                async for line in answer.aiter_lines():
                    if (message := reader.line(line)) is not None:
                        yield message

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *failure: object) -> None:
        """Close the connection."""
        await self.aclose()
