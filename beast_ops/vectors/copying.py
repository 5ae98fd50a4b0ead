# SPDX-License-Identifier: Apache-2.0
"""Copies of an engine's directory, holes left as holes: its files are mostly reserved space."""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 20


def copy_tree(source: Path, target: Path) -> None:
    """Copy the folder *source* to *target*, which must not be there; nobody may write meanwhile."""
    shutil.copytree(source, target, copy_function=copy_file)


def copy_file(source: str | Path, target: str | Path) -> None:
    """Copy the data of one file, and its length."""
    reader = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _copy(reader, writer)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def extents(reader: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each stretch of data in an open file of *size* bytes."""
    end = 0
    while end < size:
        try:
            start = os.lseek(reader, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole from here on
                return
            raise
        end = os.lseek(reader, start, os.SEEK_HOLE)
        yield start, end


def _copy(reader: int, writer: int) -> None:
    size = os.fstat(reader).st_size
    os.ftruncate(writer, size)
    for begin, end in extents(reader, size):
        start = begin
        while start < end:
            data = os.pread(reader, min(CHUNK, end - start), start)
            if not data:  # shortened meanwhile; cannot be, nobody writes
                raise OSError(errno.EIO, "file changed while it was copied")
            start += os.pwrite(writer, data, start)
