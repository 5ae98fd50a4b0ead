# SPDX-License-Identifier: Apache-2.0
"""Have a content at a second place without its bytes twice, where the file system can.

A second name of the same file (a hard link) or a clone that shares its blocks (a reflink). A
clone is a file of its own: whoever writes into one does not change the other. A second name is
not; so a file that has one may not be written to any more, only replaced.
"""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

FICLONE = 0x40049409  # linux/fs.h
NAME = 250  # characters that any file system takes
PIECE_BYTES = 1 << 20
READ_ONLY = ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def give(source: Path, target: Path, half: str, *, copies: bool = True) -> None:
    """Have the content of *source* at *target*, in one step; the old one goes.

    Args:
        source: A file.
        target: Where it shall lie as well.
        half: How a name begins of what is not there yet, beside *target*.
        copies: Whether to copy where nothing else can be done.

    Raises:
        OSError: If it cannot be had; *target* is what it was.
    """
    beside = target.with_name(f"{half}-{target.name}"[:NAME])
    beside.unlink(missing_ok=True)
    try:
        _share(source, beside, copies=copies)
        _settle(beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)  # it failed, or both were names of one file already


def _share(source: Path, target: Path, *, copies: bool) -> None:
    for way in (_clone, _link, _copy) if copies else (_clone, _link):
        if _worked(way, source, target):
            return
    raise OSError(errno.EXDEV, "cannot be shared with another file", str(source))


def _worked(way: Callable[[Path, Path], None], source: Path, target: Path) -> bool:
    try:
        way(source, target)
    except OSError:
        target.unlink(missing_ok=True)
        if way is _copy:
            raise
        return False
    return True


def _clone(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("xb") as writing:
        fcntl.ioctl(writing.fileno(), FICLONE, reading.fileno())


def _link(source: Path, target: Path) -> None:
    target.hardlink_to(source)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("xb") as writing:
        shutil.copyfileobj(reading, writing, PIECE_BYTES)


def _settle(path: Path) -> None:
    """Let nobody write to *path*, and have it on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        mode = stat.S_IMODE(os.fstat(handle).st_mode)
        if mode & ~READ_ONLY:
            os.fchmod(handle, mode & READ_ONLY)
        os.fsync(handle)
    finally:
        os.close(handle)
