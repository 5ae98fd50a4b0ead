# SPDX-License-Identifier: Apache-2.0
"""Room on the disk: asked before writing, because the engine's mapped files cannot say no.

A page of a mapped file that finds no room ends the process with a signal, in the middle of
whatever it was doing. So writing stops while there is still room for what is under way.
"""

import shutil
from pathlib import Path

from .errors import RefusedError

RESERVE = 256 * 1024 * 1024  # several of the engine's 32 MB segments


def require(folder: Path, more: int = 0) -> None:
    """Refuse to write in *folder* unless *more* bytes fit and the reserve is left.

    Raises:
        RefusedError: With 507, as a Qdrant server answers a full disk.
    """
    if shutil.disk_usage(folder).free < RESERVE + more:
        raise RefusedError(507, "Insufficient storage: the disk is full, nothing was written")


def used(folder: Path) -> int:
    """Return the bytes that the files below *folder* occupy, holes not counted."""
    return sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())
