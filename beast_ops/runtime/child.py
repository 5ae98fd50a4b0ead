# SPDX-License-Identifier: Apache-2.0
"""What every process of the stack does first: end with its parent, and say where it is."""

import json
import os
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import identity

PR_SET_PDEATHSIG = 1  # prctl(2), linux/prctl.h
CHECK_SECONDS = 1.0
UMASK = 0o077


def settle(service: str, environ: Mapping[str, str] = os.environ) -> None:
    """Make this process a well-behaved child of supervisord; call it first in every main.

    It ends with SIGTERM when its parent does (`BEAST_PARENT`, where nobody supervises; else
    whoever it is now), creates files for its owner only, and is on
    record as `<root>/run/<service>.json` if *environ* says where the root is. In a container
    there is no such record: nothing may be written there, and the engine knows its processes.

    Args:
        service: The name on the service's card.
        environ: The process's environment.

    Raises:
        OSError: If the record cannot be written.
    """
    os.umask(UMASK)
    parent = environ.get("BEAST_PARENT")
    end_with_parent(signal.SIGTERM, int(parent) if parent else None)
    root = environ.get("BEAST_ROOT")
    if root and not is_inside(environ):
        record(Path(root) / "run" / f"{service}.json")


def is_inside(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether this process runs in a container of an installation."""
    return environ.get("BEAST_INSIDE") == "1"


def end_with_parent(number: int = signal.SIGKILL, parent: int | None = None) -> None:
    """Have this process receive signal *number* when its parent ends.

    On Linux the parent is the *thread* that started this process (prctl(2)): start pool
    workers from a thread that lives as long as the pool.

    Args:
        number: The signal; the default cannot be ignored.
        parent: The process number of the parent, if known; otherwise whoever it is now.
    """
    parent = os.getppid() if parent is None else parent
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    else:
        watch = threading.Thread(target=_watch, args=(parent, number), daemon=True)
        watch.start()
    if os.getppid() != parent or _abandoned():  # it ended before we asked to be told
        os.kill(os.getpid(), number)


def record(path: Path) -> None:
    """Write who this process is to *path*, counting how often this parent started it.

    Raises:
        OSError: If the file cannot be written.
    """
    me, parent = identity.myself(), os.getppid()
    before = _before(path)
    if (before.get("pid"), before.get("started")) == (me.pid, me.started):
        return
    mine = {"pid": parent, "started": identity.started(parent)}
    starts = int(before.get("starts", 0)) if before.get("parent") == mine else 0
    content = {"pid": me.pid, "started": me.started, "parent": mine, "starts": starts + 1}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made 0600
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(content, file)
        Path(name).replace(path)  # no fsync: of no use after a reboot
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def restarts(path: Path, pid: int) -> int:
    """Return how often process *pid*, on record at *path*, was started again by its parent."""
    found = _before(path)
    return int(found["starts"]) - 1 if found.get("pid") == pid else 0


def _before(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _abandoned() -> bool:
    """Return whether supervisord has already let go of the other end of our standard input."""
    if "SUPERVISOR_ENABLED" not in os.environ:
        return False
    poll = select.poll()
    poll.register(0, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _watch(parent: int, number: int) -> None:
    while os.getppid() == parent:
        time.sleep(CHECK_SECONDS)
    os.kill(os.getpid(), number)
