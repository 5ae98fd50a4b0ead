# SPDX-License-Identifier: Apache-2.0
"""The one lease of an installation: whoever changes it holds it, and a crash lets it go.

The kernel's file lock is the truth: it ends with its process, so there is no heartbeat to miss
and no expiry to guess. The text beside it only says who holds it.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .clock import SYSTEM, Clock
from .errors import BusyError

LOOK_AGAIN_SECONDS = 0.2


@contextmanager
def lease(
    folder: Path, operation: str, *, wait: float = 0, clock: Clock = SYSTEM
) -> Iterator[None]:
    """Hold the installation whose run folder is *folder* for *operation*.

    Args:
        folder: Where the lock file lies; made if missing.
        operation: What is being done, for whoever has to wait.
        wait: Seconds to wait for another holder.
        clock: Where time comes from.

    Raises:
        BusyError: If another operation still holds it after *wait* seconds.
    """
    handle = _take(folder / "lease", clock.monotonic() + wait, clock)
    try:
        _sign(handle, operation, clock)
        yield
    finally:
        os.close(handle)


def _take(path: Path, deadline: float, clock: Clock) -> int:
    """Return the locked file at *path*."""
    while True:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = _holder(handle)
            os.close(handle)
            if clock.monotonic() >= deadline:
                raise BusyError(
                    f"another operation is under way: {who}",
                    hint="Wait for it to end, then type the same command again.",
                ) from None
            clock.sleep(LOOK_AGAIN_SECONDS)
        else:
            if _lies_at(handle, path):
                return handle
            os.close(handle)


def _lies_at(handle: int, path: Path) -> bool:
    """Return whether the file still has its name: after a removal, its lock excludes nobody."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _sign(handle: int, operation: str, clock: Clock) -> None:
    owner = {
        "operation": operation,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": clock.now().isoformat(timespec="seconds"),
    }
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(owner).encode(), 0)


def _holder(handle: int) -> str:
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
        who = f"process {owner['pid']} on {owner['host']}"
        return f"{owner['operation']}, {who}, since {owner['since']}"
    except (ValueError, KeyError, TypeError):
        return "by a process that has not said its name yet"
