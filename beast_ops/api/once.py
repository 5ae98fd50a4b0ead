# SPDX-License-Identifier: Apache-2.0
"""Ask once for all who ask at the same time, and keep the answer for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from beast_ops.clock import SYSTEM, Clock

Value = TypeVar("Value")


class Once(Generic[Value]):
    """An answer at most some seconds old, however many ask for it."""

    def __init__(
        self, ask: Callable[[], Awaitable[Value]], seconds: float, clock: Clock = SYSTEM
    ) -> None:
        """Keep what *ask* returns for *seconds*; a failure is not kept."""
        self._ask, self._seconds, self._clock = ask, seconds, clock
        self._kept: tuple[float, Value] | None = None
        self._turn = asyncio.Lock()

    async def get(self) -> Value:
        """Return the answer; raises whatever asking raises."""
        async with self._turn:
            now = self._clock.monotonic()
            if self._kept is None or now - self._kept[0] >= self._seconds:
                self._kept = None
                value = await self._ask()
                self._kept = (self._clock.monotonic(), value)
            return self._kept[1]
