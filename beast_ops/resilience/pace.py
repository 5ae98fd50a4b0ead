# SPDX-License-Identifier: Apache-2.0
"""How many calls a second: a bucket that leaks at a steady rate.

An event loop has a bucket of its own, for what waits in one cannot be woken from another. Whoever
needs one for several processes puts it here.
"""

import asyncio
from typing import TYPE_CHECKING

from .policy import Policy

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter


class Pace:
    """Spaces out the calls of one service."""

    def __init__(self, policy: Policy) -> None:
        """Let through what *policy* says."""
        self._policy = policy
        self._buckets: dict[asyncio.AbstractEventLoop, AsyncLimiter] = {}

    async def take(self) -> None:
        """Return once another call may be sent."""
        if self._policy.rate:
            await self._bucket().acquire()

    def _bucket(self) -> "AsyncLimiter":
        loop = asyncio.get_running_loop()
        found = self._buckets.get(loop)
        if found is None:
            from aiolimiter import AsyncLimiter

            # A bucket holds its loop: those of loops that are over would stay for ever.
            others = {each: old for each, old in self._buckets.items() if not each.is_closed()}
            found = AsyncLimiter(self._policy.burst, self._policy.burst / self._policy.rate)
            self._buckets = {**others, loop: found}
        return found
