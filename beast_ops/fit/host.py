# SPDX-License-Identifier: Apache-2.0
"""What this machine has: memory, memory of GPUs, and room on a disk; or that it does not tell."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from beast_ops.compose.gpu import look
from beast_ops.errors import CommandError
from beast_ops.preflight.place import free_mib, memory_mib, nearest
from beast_ops.runner import LocalRunner, Runner

from .facts import MIB

MEMORY = Path("/proc/meminfo")
NVIDIA = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
AMD = "sys/class/drm/card*/device/mem_info_vram_total"  # bytes, as amdgpu tells them
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Host:
    """What a machine has, in bytes; `None` is what is not known.

    Attributes:
        ram: All its memory.
        vram: All memory of its GPUs; 0 without one.
        disk: What is free where models are kept.
    """

    ram: int | None = None
    vram: int | None = None
    disk: int | None = None


def here(stores: Iterable[Path]) -> Host:
    """Return what this machine has.

    Args:
        stores: Where models may be kept; the one with the most room counts.
    """
    ram = memory_mib(MEMORY, "MemTotal")
    free = [mib for mib in map(free_mib, map(nearest, stores)) if mib is not None]
    return Host(
        None if ram is None else ram * MIB,
        vram(),
        max(free) * MIB if free else None,
    )


def vram(base: Path = Path("/"), runner: Runner | None = None) -> int | None:
    """Return the bytes of memory that the GPUs have together; `None` if they do not tell.

    Args:
        base: The root of the file system.
        runner: Runs NVIDIA's tool.
    """
    if sys.platform != "linux":
        return None  # there, a GPU may share all memory
    kind = look(base).kind
    if kind == "none":
        return 0
    try:
        if kind == "amd":
            sizes = [int(path.read_text(encoding="ascii")) for path in base.glob(AMD)]
            return sum(sizes) or None
        told = (runner or LocalRunner()).run(NVIDIA, seconds=SECONDS)
        return sum(int(line) for line in told.split()) * MIB or None
    except (CommandError, OSError, ValueError):
        return None
