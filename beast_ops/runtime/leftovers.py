# SPDX-License-Identifier: Apache-2.0
"""Processes of an installation that nobody looks after any more: find them, and end them.

Two marks tell them: the file each process leaves in `<root>/run`, and on Linux the variable
that everything started by supervisord inherits.
"""

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import CommandError
from beast_ops.place import Place

from . import identity
from .address import VARIABLE, socket_path
from .identity import Identity

TERM_SECONDS = 5.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.05


def find(place: Place, keeper: int | None = None) -> set[Identity]:
    """Return the living processes of *place*, without this one and those that led to it.

    Args:
        place: The installation.
        keeper: A process that, with all that descend from it, is well looked after.
    """
    mine = set(_line(os.getpid()))
    return {
        found
        for found in {*_recorded(place), *_marked(place)}
        if found.pid not in mine and (keeper is None or keeper not in _line(found.pid))
    }


def end(processes: Iterable[Identity], clock: Clock = SYSTEM) -> None:
    """End *processes*: politely, and after `TERM_SECONDS` by force.

    Raises:
        CommandError: If one lives on.
    """
    left = set(processes)
    for number, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        for process in left:
            _send(process, number)
        left = await_end(left, seconds, clock)
    if left:
        numbers = ", ".join(str(process.pid) for process in left)
        raise CommandError(
            "processes of the installation cannot be ended",
            subject=numbers,
            hint="They may belong to another user, or wait for a disk; look at them with ps.",
        )


def await_end(
    processes: Iterable[Identity], seconds: float, clock: Clock = SYSTEM
) -> set[Identity]:
    """Wait at most *seconds* for *processes* to end; return those that did not."""
    deadline = clock.monotonic() + seconds
    while left := {process for process in processes if process.lives}:
        if clock.monotonic() >= deadline:
            break
        clock.sleep(POLL_SECONDS)
    return left


def _send(process: Identity, number: int) -> None:
    if process.lives:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)


def _recorded(place: Place) -> list[Identity]:
    found = (identity.read(path) for path in place.run.glob("*.json"))
    return [process for process in found if process and process.lives]


def _marked(place: Place) -> list[Identity]:
    """Return the processes whose environment names the installation's socket."""
    if sys.platform != "linux":
        return []
    mark = os.fsencode(f"{VARIABLE}={socket_path(place)}")
    numbers = [int(path.name) for path in identity.PROC.iterdir() if path.name.isdecimal()]
    marked = (pid for pid in numbers if mark in _environ(pid))
    return [Identity(pid, begun) for pid in marked if (begun := identity.started(pid))]


def _environ(pid: int) -> list[bytes]:
    try:
        return (identity.PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # ended meanwhile, or of another user
        return []


def _line(pid: int) -> list[int]:
    """Return *pid*, its parent, that one's parent, and so on."""
    line: list[int] = []
    while pid > 0 and pid not in line:
        line.append(pid)
        pid = identity.parent(pid)
    return line
