# SPDX-License-Identifier: Apache-2.0
"""Who guessed wrong too often has to wait: each client by itself."""

from collections import OrderedDict, deque

from beast_ops.clock import SYSTEM, Clock

CLIENTS_MOST = 10_000


class Lockout:
    """Wrong guesses by client, of the last minutes; safe for one thread."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        """Start with none."""
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, client: str) -> None:
        """Note a wrong guess of *client*."""
        times = self._wrong.setdefault(client, deque(maxlen=1000))
        times.append(self._clock.monotonic())
        self._wrong.move_to_end(client)
        if len(self._wrong) > CLIENTS_MOST:
            self._wrong.popitem(last=False)

    def wait(self, client: str, most: int, seconds: float) -> float:
        """Return for how many seconds *client* may not guess; 0 if it may.

        Args:
            client: Who asks.
            most: How many wrong guesses are free.
            seconds: For how long a wrong guess counts.
        """
        times = self._wrong.get(client)
        if times is None:
            return 0.0
        now = self._clock.monotonic()
        while times and times[0] <= now - seconds:
            times.popleft()
        if not times:
            del self._wrong[client]
        if len(times) < most:
            return 0.0
        return times[-most] + seconds - now

    def forgive(self, client: str) -> None:
        """Forget the wrong guesses of *client*, which was right now."""
        self._wrong.pop(client, None)
