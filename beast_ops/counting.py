# SPDX-License-Identifier: Apache-2.0
"""Where what is limited is counted: in this process, and where there is a Valkey, for all of them.

What is counted in Valkey is counted here, too, so that whoever it fails is not let in anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter as SharedLimiter
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from limits.util import WindowStats

from beast_ops.clock import SYSTEM, Clock
from beast_ops.valkey import AGAIN_SECONDS, Valkey

LOG = logging.getLogger("beast.counting")
SHARED_SECONDS = 0.25  # nobody's request waits longer for a Valkey that hangs

Result = TypeVar("Result")


class Counting:
    """Counts in this process."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def hit(self, item: RateLimitItem, name: str, key: str) -> bool:
        """Count one; return whether there was room for it.

        Args:
            item: How many there may be in which time.
            name: What for.
            key: Whose.
        """
        return self._own.hit(item, name, key)

    async def stats(self, item: RateLimitItem, name: str, key: str) -> WindowStats:
        """Return how many more there may be, and until when; see `hit`."""
        return self._own.get_window_stats(item, name, key)

    async def aclose(self) -> None:
        """Let go of what is open."""


class Shared(Counting):
    """Counts in Valkey, together with all other processes; alone for as long as that fails."""

    def __init__(self, valkey: Valkey, clock: Clock = SYSTEM) -> None:
        """Count through *valkey*, which is asked only when it is needed."""
        super().__init__()
        self._pool = valkey.async_pool()
        storage = RedisStorage(
            f"async+redis://{valkey.host}:{valkey.port}",
            wrap_exceptions=True,
            implementation="redispy",
            connection_pool=self._pool,  # type: ignore[arg-type] # as its text says
        )
        self._all, self._clock = SharedLimiter(storage), clock
        self._broken, self._again = False, float("-inf")

    async def hit(self, item: RateLimitItem, name: str, key: str) -> bool:
        """Count one; see `Counting.hit`."""
        own = await super().hit(item, name, key)
        return await self._asked(lambda: self._all.hit(item, name, key), own)

    async def stats(self, item: RateLimitItem, name: str, key: str) -> WindowStats:
        """Return how it stands; see `Counting.stats`."""
        own = await super().stats(item, name, key)
        return await self._asked(lambda: self._all.get_window_stats(item, name, key), own)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.disconnect()

    async def _asked(self, ask: Callable[[], Awaitable[Result]], own: Result) -> Result:
        """Return what Valkey says; *own* if it does not, and for a while after that."""
        if self._broken:
            if self._clock.monotonic() < self._again:
                return own
            self._again = self._clock.monotonic() + AGAIN_SECONDS  # one request finds out
        try:
            async with asyncio.timeout(SHARED_SECONDS):
                found = await ask()
        except (StorageError, OSError) as failed:  # of which a timeout is one
            if not self._broken:
                LOG.warning("Valkey does not answer; all is counted here alone: %r", failed)
            self._broken, self._again = True, self._clock.monotonic() + AGAIN_SECONDS
            return own
        if self._broken:
            LOG.warning("Valkey answers again; all is counted there")
            self._broken = False
        return found


def counting(valkey: Valkey | None) -> Counting:
    """Return what counts through *valkey*, or in this process if there is none."""
    return Counting() if valkey is None else Shared(valkey)
