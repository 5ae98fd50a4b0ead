# SPDX-License-Identifier: Apache-2.0
"""Look at the machine itself: room on disk, memory to spare."""

import shutil
from pathlib import Path

from beast_ops.errors import CommandError
from beast_ops.runner import LocalRunner, Runner

from .engine import Probe, aside
from .model import Finding, Status

DEGRADED_BELOW = 20.0  # percent free, for disk and memory alike
UNHEALTHY_BELOW = 10.0
MEMINFO = Path("/proc/meminfo")
GIBIBYTE = 1 << 30


def probes(root: Path) -> tuple[Probe, ...]:
    """Return the looks at this machine; *root* says which file system matters."""

    async def look_at_disk() -> Finding:
        return await aside(lambda: disk(root))

    async def look_at_memory() -> Finding:
        return await aside(memory)

    return (
        Probe("disk", look_at_disk, late=Status.UNKNOWN),
        Probe("memory", look_at_memory, late=Status.UNKNOWN),
    )


def disk(root: Path) -> Finding:
    """Return how much room the file system of *root* (or of its nearest parent) has left.

    Counted as `df` counts: what is kept for root or beyond a quota is nobody's room.
    """
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    usage = shutil.disk_usage(there)
    return _judge("disk", usage.free, usage.used + usage.free, {"path": str(root)})


def memory(meminfo: Path = MEMINFO, runner: Runner | None = None) -> Finding:
    """Return how much memory programs can still get.

    On Linux this is `MemAvailable`, which counts caches the kernel would give up; free memory
    alone says nothing. On macOS it is what `vm_stat` calls free, inactive or speculative.
    """
    try:
        available, total = _linux(meminfo.read_text(encoding="ascii"))
    except FileNotFoundError:
        try:
            available, total = _macos(runner or LocalRunner())
        except (CommandError, ValueError, KeyError):
            return Finding(Status.UNKNOWN, "this system does not tell how much memory is available")
    return _judge("memory", available, total, {})


def _linux(text: str) -> tuple[int, int]:
    fields = {line.split(":")[0]: line.split()[1] for line in text.splitlines() if ":" in line}
    return int(fields["MemAvailable"]) * 1024, int(fields["MemTotal"]) * 1024


def _macos(runner: Runner) -> tuple[int, int]:
    total = int(runner.run(["sysctl", "-n", "hw.memsize"], seconds=4))
    head, *lines = runner.run(["vm_stat"], seconds=4).splitlines()
    page = int(head.split("page size of ")[1].split()[0])
    pages = {line.split(":")[0]: line.split(":")[1].strip(" .") for line in lines if ":" in line}
    spare = ("Pages free", "Pages inactive", "Pages speculative")
    return page * sum(int(pages[name]) for name in spare), total


def _judge(what: str, free: int, total: int, details: dict[str, str]) -> Finding:
    percent = 100 * free / total
    if percent < UNHEALTHY_BELOW:
        status = Status.UNHEALTHY
    elif percent < DEGRADED_BELOW:
        status = Status.DEGRADED
    else:
        status = Status.HEALTHY
    verb = "free" if what == "disk" else "available"
    return Finding(
        status,
        f"{percent:.0f} % {verb} ({free / GIBIBYTE:.1f} of {total / GIBIBYTE:.1f} GiB)",
        {
            **details,
            f"{verb}_bytes": free,
            "total_bytes": total,
            f"{verb}_percent": round(percent, 1),
        },
    )
