# SPDX-License-Identifier: Apache-2.0
"""Files with holes in a tar archive, as GNU tar writes them (PAX format, sparse version 1.0).

Python's tarfile reads this form and makes the holes again, but cannot write it. The engine's
files are mostly reserved space: without this an archive is several times as large.
"""

import errno
import os
import tarfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from .copying import CHUNK, extents

BLOCK = 512


def add_tree(archive: tarfile.TarFile, folder: Path, name: str) -> None:
    """Add *folder* with all below it to *archive*, under *name*."""
    archive.add(folder, name, recursive=False)
    for path in sorted(folder.iterdir()):
        inside = f"{name}/{path.name}"
        if path.is_dir():
            add_tree(archive, path, inside)
        else:
            add_file(archive, path, inside)


def add_file(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Add one file to *archive*, its holes as holes."""
    with path.open("rb") as file:
        info = archive.gettarinfo(arcname=name, fileobj=file)
        data = list(extents(file.fileno(), info.size))
        if data == [(0, info.size)] or not info.size:
            os.lseek(file.fileno(), 0, os.SEEK_SET)  # looking for holes moved it
            archive.addfile(info, file)
            return
        table = chart(data, info.size)
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": name,
            "GNU.sparse.realsize": str(info.size),
        }
        info.size = len(table) + sum(end - start for start, end in data)
        content = chain([table], pieces(file.fileno(), data))
        archive.addfile(info, Pieces(content))  # type: ignore[arg-type] # it is only read


def chart(data: list[tuple[int, int]], size: int) -> bytes:
    """Return the map of the data: how many pieces, then offset and length of each, in blocks."""
    parts = [(start, end - start) for start, end in data]
    if not data or data[-1][1] < size:
        parts.append((size, 0))
    numbers = [len(parts), *(number for part in parts for number in part)]
    text = "".join(f"{number}\n" for number in numbers).encode()
    return text + bytes(-len(text) % BLOCK)


def pieces(reader: int, data: list[tuple[int, int]]) -> Iterator[bytes]:
    """Yield what the open file *reader* holds in the stretches *data*."""
    for begin, end in data:
        start = begin
        while start < end:
            piece = os.pread(reader, min(CHUNK, end - start), start)
            if not piece:
                raise OSError(errno.EIO, "file was shortened while it was read")
            start += len(piece)
            yield piece


class Pieces:
    """Pieces of bytes as a file that is read in whatever sizes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Read *pieces*, one after the other."""
        self._pieces, self._left = pieces, b""

    def read(self, size: int) -> bytes:
        """Return *size* bytes, or fewer at the end."""
        while len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece
        found, self._left = self._left[:size], self._left[size:]
        return found
