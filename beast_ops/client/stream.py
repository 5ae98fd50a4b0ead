# SPDX-License-Identifier: Apache-2.0
"""Where somebody is who follows events: what was seen last, and how long nothing is heard; pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from beast_ops.clock import Clock
from beast_ops.errors import UnavailableError

from .asked import Asked
from .sse import Message

EVENTS = {"accept": "text/event-stream"}
PATIENCE_SECONDS = 60.0  # killed processes are back within seconds
QUIET_SECONDS = 40.0  # the API shows a sign of life every 15 s
PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.2, 2.0


class Follower:
    """One who follows events through however many connections."""

    def __init__(self, names: str, after: int | None, patience: float, clock: Clock) -> None:
        """Follow what begins with *names* and comes *after*; see `Client.follow`."""
        self._names, self._patience, self._clock = names, patience, clock
        self.last = after
        self._heard, self._failures = clock.monotonic(), 0

    def begin(self, newest: Sequence[Mapping[str, Any]]) -> None:
        """Take the *newest* event for the last that was seen, so that nothing after is missed."""
        self.last = int(newest[0]["number"]) if newest else 0

    def asked(self) -> tuple[Asked, dict[str, str]]:
        """Return what is asked to go on, and with which headers."""
        query = {"names": self._names} if self._names else None
        return Asked("GET", "/events/stream", query), {"last-event-id": str(self.last or 0)}

    def reached(self) -> None:
        """Note that the API is there, whether it has something to tell or not."""
        self._heard, self._failures = self._clock.monotonic(), 0

    def saw(self, message: Message) -> Mapping[str, Any]:
        """Note that *message* came, and return the event."""
        event: Mapping[str, Any] = message.data
        self.last = int(event["number"])
        return event

    def lost(self, away: UnavailableError) -> None:
        """Note that the API is *away*.

        Raises:
            UnavailableError: If it has been for too long.
        """
        if not self._failures:
            self._heard = self._clock.monotonic()
        self._failures += 1
        if self._clock.monotonic() - self._heard > self._patience:
            raise away

    def pause(self) -> float:
        """Return the seconds until the next connection is tried."""
        seconds: float = PAUSE_SECONDS * 2.0 ** min(self._failures, 10)
        return min(seconds, LAST_PAUSE_SECONDS)
