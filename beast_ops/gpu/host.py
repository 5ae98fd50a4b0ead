# SPDX-License-Identifier: Apache-2.0
"""What this host says of its GPUs: its drivers, its past, its containers; asked now and then."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from beast_ops.clock import SYSTEM, Clock
from beast_ops.place import Place

from . import contained, since
from .model import Reading, Trouble
from .read import read

FRESH_SECONDS = 30.0  # asking wakes a GPU that sleeps

Inside = Callable[[Place], Iterator[Trouble]]


class Host:
    """The host of one installation."""

    def __init__(
        self,
        place: Place,
        ask: Callable[[], Reading] = read,
        inside: Inside = contained.cut_off,
        clock: Clock = SYSTEM,
    ) -> None:
        """Look at the host of *place*, which need not be deployed.

        Args:
            place: The installation.
            ask: Asks the drivers.
            inside: Asks the containers.
            clock: Says how old the last answer is.
        """
        self._place, self._ask, self._inside, self._clock = place, ask, inside, clock
        self._last: tuple[float, Reading] | None = None
        self._lock = threading.Lock()

    def look(self, *, fresh: bool = False) -> Reading:
        """Return what is known; whoever comes meanwhile waits.

        Args:
            fresh: Whether all is asked now; else it may be `FRESH_SECONDS` old.
        """
        with self._lock:
            last = self._last
            if fresh or last is None or self._clock.monotonic() - last[0] > FRESH_SECONDS:
                found = self._look()
                self._last = last = self._clock.monotonic(), found
            return last[1]

    def _look(self) -> Reading:
        found = since.compared(self._ask(), self._place.run)
        # Behind a driver that hangs, each further question would hang as well.
        if not found.devices or any(each.kind == "hangs" for each in found.troubles):
            return found
        more = tuple(self._inside(self._place))
        return found.model_copy(update={"troubles": (*found.troubles, *more)})


_HOSTS: dict[Path, Host] = {}


def of(place: Place) -> Host:
    """Return the host of *place*, the same one for all who ask in this process."""
    return _HOSTS.setdefault(place.root, Host(place))
