# SPDX-License-Identifier: Apache-2.0
"""One hand at a time on the processes of an installation."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BusyError
from beast_ops.place import Place

from .launch import private

LOCK = "runtime.lock"
WAIT_SECONDS = 120.0
POLL_SECONDS = 0.1


@contextmanager
def held(place: Place, clock: Clock = SYSTEM) -> Iterator[None]:
    """Hold the runtime of *place*; the kernel lets go of it if this process is killed.

    Raises:
        BusyError: If somebody else holds it for longer than `WAIT_SECONDS`.
    """
    place.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = clock.monotonic() + WAIT_SECONDS
    # Not inherited by what we start: PEP 446.
    with open(place.run / LOCK, "a", opener=private) as file:
        while not _taken(file.fileno()):
            if clock.monotonic() >= deadline:
                raise BusyError(
                    "another command is starting or stopping services",
                    subject=str(place.root),
                    hint="Try again in a minute.",
                )
            clock.sleep(POLL_SECONDS)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
