# SPDX-License-Identifier: Apache-2.0
"""One at a time: whoever writes to the collections of an alias, or has it lead elsewhere."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from beast_ops import locks

from .settings import Surroundings

LOOK_SECONDS = 1.0


@contextmanager
def turn(around: Surroundings, alias: str, check: Callable[[], None]) -> Iterator[None]:
    """Hold the turn of *alias*, waiting for it; a crash lets go of it.

    Args:
        around: Where the state of the documents lies.
        alias: Which collection.
        check: Called while it waits; raises if there is nothing to wait for any more.
    """
    path = around.state.with_name(f"{alias}.turn")
    while (handle := locks.wait(path, LOOK_SECONDS)) is None:
        check()
    try:
        yield
    finally:
        os.close(handle)
