# SPDX-License-Identifier: Apache-2.0
"""Ask once for what several want at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: "asyncio.Task[T]"
    waiting: int = 0


class Flights(Generic[T]):
    """What is under way, by key; for one event loop.

    Whoever comes while it is under way waits for the same result, or the same failure. It goes on
    when the one who began it gives up, and ends when nobody waits any more.

    Attributes:
        shared: How often somebody got what was under way.
    """

    def __init__(self) -> None:
        """Nothing is under way."""
        self._flying: dict[Hashable, _Flight[T]] = {}
        self.shared = 0

    def __len__(self) -> int:
        """Return how much is under way."""
        return len(self._flying)

    async def run(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """Return what *make* returns for *key*, and whether somebody else had begun it.

        Raises:
            BaseException: What *make* raises, to all who wait.
        """
        flight = self._flying.get(key)
        shared = flight is not None
        if flight is None:
            flight = self._flying[key] = _Flight(asyncio.ensure_future(_made(make)))
            flight.task.add_done_callback(lambda _: self._landed(key, flight))
        self.shared += shared
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task), shared
        except asyncio.CancelledError:
            if flight.waiting == 1:
                self._landed(key, flight)  # whoever comes now begins anew
                flight.task.cancel()
            raise
        finally:
            flight.waiting -= 1

    def _landed(self, key: Hashable, flight: "_Flight[T]") -> None:
        if self._flying.get(key) is flight:
            del self._flying[key]


async def _made(make: Callable[[], Awaitable[T]]) -> T:
    return await make()
