# SPDX-License-Identifier: Apache-2.0
"""Who may call at the same time: first come, first served, over all threads and event loops."""

import asyncio
import threading
from collections import deque
from concurrent.futures import Future


class Slots:
    """A bounded number of places.

    Attributes:
        free: How many nobody has.
    """

    def __init__(self, most: int) -> None:
        """Have *most* places."""
        self.free = most
        self._lock = threading.Lock()
        self._queue: deque[Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return sum(not each.cancelled() for each in self._queue)

    async def take(self, *, again: bool = False) -> None:
        """Return once there is a place; whoever came earlier has it earlier.

        Args:
            again: Whether the caller had a place before: all who wait now came later.
        """
        with self._lock:
            if self.free:
                self.free -= 1
                return
            turn: Future[None] = Future()
            (self._queue.appendleft if again else self._queue.append)(turn)
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if not turn.cancel():  # it became ours in the very moment it was given up
                self.give()
            raise

    def give(self) -> None:
        """Give a place back, or to who waits for it longest."""
        with self._lock:
            while self._queue:
                turn = self._queue.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self.free += 1
