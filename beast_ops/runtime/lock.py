# SPDX-License-Identifier: Apache-2.0
"""One hand at a time on the processes of an installation."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from beast_ops import locks
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BusyError
from beast_ops.place import Place

LOCK = "runtime.lock"
WAIT_SECONDS = 120.0


@contextmanager
def held(place: Place, clock: Clock = SYSTEM) -> Iterator[None]:
    """Hold the runtime of *place*; the kernel lets go of it if this process is killed.

    Raises:
        BusyError: If somebody else holds it for longer than `WAIT_SECONDS`.
    """
    handle = locks.wait(place.run / LOCK, WAIT_SECONDS, clock=clock)
    if handle is None:
        raise BusyError(
            "another command is starting or stopping services",
            subject=str(place.root),
            hint="Try again in a minute.",
        )
    try:
        yield  # what we start does not inherit it: PEP 446
    finally:
        os.close(handle)
