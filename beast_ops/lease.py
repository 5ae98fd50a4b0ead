# SPDX-License-Identifier: Apache-2.0
"""The one lease of an installation: whoever changes it holds it, and a crash lets it go.

The kernel's file lock is the truth: it ends with its process, so there is no heartbeat to miss
and no expiry to guess. The text beside it only says who holds it.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import locks
from .clock import SYSTEM, Clock
from .errors import BusyError


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
    handle = locks.wait(folder / "lease", wait, clock=clock)
    if handle is None:
        raise BusyError(
            f"another operation is under way: {_holder(folder / 'lease')}",
            hint="Wait for it to end, then type the same command again.",
        )
    try:
        _sign(handle, operation, clock)
        yield
    finally:
        os.close(handle)


def _sign(handle: int, operation: str, clock: Clock) -> None:
    owner = {
        "operation": operation,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": clock.now().isoformat(timespec="seconds"),
    }
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(owner).encode(), 0)


def _holder(path: Path) -> str:
    try:
        owner = json.loads(path.read_bytes())
        who = f"process {owner['pid']} on {owner['host']}"
        return f"{owner['operation']}, {who}, since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "by a process that has not said its name yet"
