# SPDX-License-Identifier: Apache-2.0
"""Whether there is a place for the installation: Python, folder, disk, memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .finding import MIB, Finding

ELSEWHERE = "Choose another place: BEAST_ROOT=/some/where ./beast deploy"

# As in release/remove.py, which this file cannot import: what is ours, and how it is known.
OURS = {
    *("backups", "beast", "cache", "config", "current", "data", "evals", "live", "logs"),
    *("lost+found", "models", "override.yml", "receipts", "releases", "run", "secrets"),
    *("settings.yml", "venv"),
}
HASH = "[0-9a-f]" * 12
TRACES = (f"releases/*-{HASH}", f"venv/{HASH}", "secrets/master.key", "run/lease")


def check_python(least: tuple[int, ...], found: tuple[int, ...]) -> Iterator[Finding]:
    """Refuse a Python older than *least*."""
    if found < least:
        yield Finding(
            "python-too-old",
            f"Python is {found[0]}.{found[1]}; the stack needs {least[0]}.{least[1]} or newer.",
            "Install a newer Python and name it in ansible_python_interpreter.",
        )


def nearest(path: Path) -> Path:
    """Return *path*, or the closest folder above it that exists."""
    while not os.path.lexists(path):
        path = path.parent
    return path


def check_root(root: Path, place: Path) -> Iterator[Finding]:
    """Refuse a root that is no folder, belongs to another, or cannot be written."""
    if not os.path.isdir(place):  # noqa: PTH112 - Path.is_dir raises where one may not look
        yield Finding("root-not-a-folder", f"{place} is not a folder.", ELSEWHERE)
    elif place == root and root.stat().st_uid != os.geteuid():
        yield Finding("root-of-another", f"{root} belongs to another user.", ELSEWHERE)
    elif not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("root-not-writable", f"{place} cannot be written.", ELSEWHERE)
    elif place == root:
        yield from check_content(root)


def check_content(root: Path) -> Iterator[Finding]:
    """Refuse a root full of other things: a removal could not tell them from ours."""
    if any(next(root.glob(trace), None) for trace in TRACES):
        return
    strange = sorted(name for name in os.listdir(root) if name not in OURS and name[0] != ".")  # noqa: PTH208 - strings are what is wanted
    if strange:
        shown = ", ".join(strange[:3]) + (", …" if len(strange) > 3 else "")  # noqa: PLR2004 - enough to know it again
        yield Finding("root-in-use", f"{root} holds other things: {shown}.", ELSEWHERE)


def free_mib(place: Path) -> int | None:
    """Return how many MiB are free at *place*; `None` where one may not look."""
    try:
        return shutil.disk_usage(place).free // MIB
    except OSError:
        return None


def check_disk(place: Path, least: int) -> Iterator[Finding]:
    """Refuse when less than *least* MiB are free, warn below twice as much."""
    free = free_mib(place)
    if free is not None and free < 2 * least:
        yield Finding(
            "disk-full" if free < least else "disk-short",
            f"{free} MiB are free at {place}; the stack needs {least} MiB.",
            f"Free some space. {ELSEWHERE}",
            blocks=free < least,
        )


def memory_mib(source: Path, field: str) -> int | None:
    """Return the MiB that *source*, which is /proc/meminfo, tells of *field*."""
    try:
        fields = dict(line.split(":", 1) for line in source.read_text().splitlines())
        return int(fields[field].split()[0]) // 1024
    except (OSError, KeyError, ValueError):
        return None


def check_memory(source: Path, least: int) -> Iterator[Finding]:
    """Warn when less than *least* MiB of memory are available."""
    available = memory_mib(source, "MemAvailable")
    if available is not None and available < least:
        yield Finding(
            "memory-short",
            f"{available} MiB of memory are available; the stack wants {least} MiB.",
            "Close other programs, or expect the stack to be slow.",
            blocks=False,
        )
