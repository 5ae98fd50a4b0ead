# SPDX-License-Identifier: Apache-2.0
"""Who a process is: its number and when it started, for numbers are given out again."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
BOOT = PROC / "sys/kernel/random/boot_id"
STATE, PARENT, START = 0, 1, 19  # positions after the name in /proc/PID/stat: proc(5)
DEAD = frozenset("ZXx")
PS_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, and never another one that was given its number later."""

    pid: int
    started: str

    @property
    def lives(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return started(self.pid) == self.started


def started(pid: int) -> str | None:
    """Return when process *pid* started, as a word to compare, or None if it does not run.

    On Linux that is the boot and the clock ticks since (proc(5), field 22), elsewhere what
    ps(1) says.
    """
    if sys.platform == "linux":
        fields = stat(pid)
        if fields is None or fields[STATE] in DEAD:
            return None
        return f"{BOOT.read_text().strip()}/{fields[START]}"
    return _ps(pid, "lstart=")


def parent(pid: int) -> int:
    """Return the number of the parent of process *pid*, or 0."""
    if sys.platform == "linux":
        fields = stat(pid)
        return int(fields[PARENT]) if fields else 0
    return int(_ps(pid, "ppid=") or 0)


def stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/*pid*/stat after the name, or None if there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()  # a name may hold spaces and parentheses


def runs(pid: int, program: str) -> bool:
    """Return whether the command of process *pid* begins with the word *program*."""
    if sys.platform == "linux":
        try:
            words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return words[0] == os.fsencode(program)
    return f"{_ps(pid, 'command=')} ".startswith(f"{program} ")


def myself() -> Identity:
    """Return the identity of this process."""
    pid = os.getpid()
    return Identity(pid, started(pid) or "")


def read(path: Path) -> Identity | None:
    """Return the process that `child.record` wrote to *path*, or None if that is not its work."""
    try:
        found = json.loads(path.read_bytes())
        found["starts"]  # others may keep files here that tell a process, too
        return Identity(int(found["pid"]), str(found["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ps(pid: int, column: str) -> str | None:
    """Ask ps(1), which every Unix has, for one column about process *pid*."""
    done = subprocess.run(
        ["/bin/ps", "-o", column, "-p", str(pid)],
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=PS_SECONDS,
        check=False,
    )
    return done.stdout.strip() or None
