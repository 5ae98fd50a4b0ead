# SPDX-License-Identifier: Apache-2.0
"""How many calls a second: a bucket that leaks at a steady rate.

An event loop has a bucket of its own, for what waits in one cannot be woken from another. Where
processes share a Valkey, what leaves the bucket is counted there as well, for all of them.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from beast_ops.errors import BeastError
from beast_ops.valkey import Valkey

from .policy import Policy

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter
    from limits import RateLimitItem

    from beast_ops.counting import Shared

LOG = logging.getLogger("beast.pace")
ROOM = "pace"  # what the counts are for, among all that are kept there
Share = Callable[[], Valkey | None]


def alone() -> Valkey | None:
    """Return no Valkey: nobody else asks."""
    return None


@dataclass(slots=True)
class _Bucket:
    """What lets calls of one event loop through: its own rate, then that of all processes."""

    own: "AsyncLimiter"
    all: "Shared | None" = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Pace:
    """Spaces out the calls of one service."""

    def __init__(self, name: str, policy: Policy, share: Share = alone) -> None:
        """Let through what *policy* says.

        Args:
            name: The service, by which other processes count it, too.
            policy: How many calls, in which time.
            share: Returns the Valkey of this process, if it has one.
        """
        self._name, self._policy, self._share = name, policy, share
        self._buckets: dict[asyncio.AbstractEventLoop, _Bucket] = {}

    async def take(self) -> None:
        """Return once another call may be sent."""
        if not self._policy.rate:
            return
        bucket = self._bucket()
        await bucket.own.acquire()
        if bucket.all is not None:
            async with bucket.turn:  # one of us asks for all, in the order of coming
                await self._together(bucket.all)

    async def aclose(self) -> None:
        """Close what this event loop opened."""
        found = self._buckets.pop(asyncio.get_running_loop(), None)
        if found is not None and found.all is not None:
            await found.all.aclose()

    async def _together(self, counted: "Shared") -> None:
        """Return once all processes together may send another call.

        A window of one burst slides over the time; its average is the rate.
        """
        item = _window(self._policy)
        while not await counted.hit(item, ROOM, self._name):  # noqa: ASYNC110 - what others send wakes nobody here
            await asyncio.sleep(1 / self._policy.rate)  # in which one more place comes free

    def _bucket(self) -> _Bucket:
        loop = asyncio.get_running_loop()
        found = self._buckets.get(loop)
        if found is None:
            from aiolimiter import AsyncLimiter

            # A bucket holds its loop: those of loops that are over would stay for ever.
            others = {each: old for each, old in self._buckets.items() if not each.is_closed()}
            own = AsyncLimiter(self._policy.burst, self._policy.burst / self._policy.rate)
            found = _Bucket(own, _shared(self._share))
            self._buckets = {**others, loop: found}
        return found


def _shared(share: Share) -> "Shared | None":
    try:
        valkey = share()
    except BeastError as failed:  # whoever needs it says so; a call of a model does not
        LOG.warning("calls are counted here alone: %s", failed)
        return None
    if valkey is None:
        return None
    from beast_ops.counting import Shared

    return Shared(valkey)


def _window(policy: Policy) -> "RateLimitItem":
    from limits import RateLimitItemPerSecond

    seconds = max(1, ceil(policy.burst / policy.rate))
    return RateLimitItemPerSecond(max(1, int(policy.rate * seconds)), seconds)
