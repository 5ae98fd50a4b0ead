# SPDX-License-Identifier: Apache-2.0
"""Files with holes in a tar archive, as GNU tar writes them (PAX format, sparse version 1.0).

Python's tarfile reads this form and makes the holes again, but cannot write it. The engine's
files are mostly reserved space: without this an archive is several times as large.
"""

import os
import tarfile
from collections.abc import Iterator
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
        chart = _chart(data, info.size)
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": name,
            "GNU.sparse.realsize": str(info.size),
        }
        info.size = len(chart) + sum(end - start for start, end in data)
        archive.addfile(info, _Pieces(_content(file.fileno(), chart, data)))  # type: ignore[arg-type] # it is only read


def _chart(data: list[tuple[int, int]], size: int) -> bytes:
    """Return the map of the data: how many pieces, then offset and length of each, in blocks."""
    pieces = [(start, end - start) for start, end in data]
    if not data or data[-1][1] < size:
        pieces.append((size, 0))
    numbers = [len(pieces), *(number for piece in pieces for number in piece)]
    text = "".join(f"{number}\n" for number in numbers).encode()
    return text + bytes(-len(text) % BLOCK)


def _content(reader: int, chart: bytes, data: list[tuple[int, int]]) -> Iterator[bytes]:
    yield chart
    for begin, end in data:
        start = begin
        while start < end:
            piece = os.pread(reader, min(CHUNK, end - start), start)
            start += len(piece)
            yield piece


class _Pieces:
    """Pieces of bytes as a file that is read in whatever sizes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int) -> bytes:
        while len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece
        found, self._left = self._left[:size], self._left[size:]
        return found
