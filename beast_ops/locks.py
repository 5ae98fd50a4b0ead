# SPDX-License-Identifier: Apache-2.0
"""Locks among processes: the kernel's, so that whoever dies lets go.

Needs the standard library alone: it is used before anything is installed.
"""

import fcntl
import os
from pathlib import Path

from .clock import SYSTEM, Clock

AGAIN_SECONDS = 0.1


def take(path: Path, *, folder: bool = False) -> int | None:
    """Lock the file at *path* if nobody holds it; it is made where it is missing.

    Args:
        path: The file, which only its owner may read.
        folder: Whether *path* is a folder instead.

    Returns:
        The open file, which is locked until it is closed; `None` if another one holds it.
    """
    while True:
        (path if folder else path.parent).mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDONLY | os.O_DIRECTORY if folder else os.O_RDWR | os.O_CREAT
        handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        if _lies_at(handle, path):
            return handle
        os.close(handle)


def wait(path: Path, seconds: float, *, folder: bool = False, clock: Clock = SYSTEM) -> int | None:
    """Return what `take` returns, asking again for at most *seconds* while another one holds it."""
    deadline = clock.monotonic() + seconds
    while (handle := take(path, folder=folder)) is None and clock.monotonic() < deadline:
        clock.sleep(AGAIN_SECONDS)
    return handle


def _lies_at(handle: int, path: Path) -> bool:
    """Return whether the file still has its name: after a removal, its lock excludes nobody."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
