# SPDX-License-Identifier: Apache-2.0
"""What this machine has: memory, memory of GPUs, and room on a disk; or that it does not tell."""

import sys
from collections.abc import Iterable
from contextlib import suppress
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
PARTIAL = "blobs/sha256-*-partial"  # how Ollama calls what is still coming
BLOCK = 512  # bytes of what `st_blocks` counts, whatever the file system has


@dataclass(frozen=True, slots=True)
class Host:
    """What a machine has, in bytes; `None` is what is not known.

    Attributes:
        ram: All its memory.
        vram: All memory of its GPUs; 0 without one.
        disk: What is free where models are kept.
        cards: The memory of each of its GPUs, if they tell it one by one.
        swap: What its memory can be swapped out to.
        begun: What there is on the disk of models that came in part.
    """

    ram: int | None = None
    vram: int | None = None
    disk: int | None = None
    cards: tuple[int, ...] = ()
    swap: int = 0
    begun: int = 0

    @property
    def each(self) -> tuple[int, ...]:
        """The memory of each GPU; of all as if they were one, where nothing else is known."""
        return self.cards or ((self.vram,) if self.vram else ())


def here(stores: Iterable[Path]) -> Host:
    """Return what this machine has.

    Args:
        stores: Where models may be kept; the one with the most room counts.
    """
    stores = tuple(stores)
    ram = memory_mib(MEMORY, "MemTotal")
    free = [mib for mib in map(free_mib, map(nearest, stores)) if mib is not None]
    found = cards()
    return Host(
        None if ram is None else ram * MIB,
        None if found is None else sum(found),
        max(free) * MIB if free else None,
        found or (),
        (memory_mib(MEMORY, "SwapTotal") or 0) * MIB,
        sum(map(begun, stores)),
    )


def begun(store: Path) -> int:
    """Return the bytes below *store* of models that came in part: Ollama goes on with them.

    Their files have the size of the whole from the start; what came is what takes blocks.
    """
    found = 0
    with suppress(OSError):
        for path in store.rglob(PARTIAL):
            with suppress(OSError):
                found += path.lstat().st_blocks * BLOCK
    return found


def cards(base: Path = Path("/"), runner: Runner | None = None) -> tuple[int, ...] | None:
    """Return the bytes of memory that each GPU has; `None` if they do not tell.

    Args:
        base: The root of the file system.
        runner: Runs NVIDIA's tool.
    """
    if sys.platform != "linux":
        return None  # there, a GPU may share all memory
    kind = look(base).kind
    if kind == "none":
        return ()
    try:
        if kind == "amd":
            sizes = [int(path.read_text(encoding="ascii")) for path in sorted(base.glob(AMD))]
            return tuple(filter(None, sizes)) or None
        told = (runner or LocalRunner()).run(NVIDIA, seconds=SECONDS)
        return tuple(int(line) * MIB for line in told.split() if int(line)) or None
    except (CommandError, OSError, ValueError):
        return None
