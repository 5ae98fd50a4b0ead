# SPDX-License-Identifier: Apache-2.0
"""Files with holes: how they are kept, and how much of nothing an archive may hold."""

import hashlib
from collections.abc import Iterator

from beast_ops.vectors.sparse_tar import pieces

from .tape import CHUNK

# Nothing costs a line in an archive, and time when it is hashed: a tebibyte takes ten minutes.
# All holes of one archive together may be so large; a backup leaves out what is beyond.
HOLES_BYTES = 1 << 40


def size_of(data: list[tuple[int, int]], size: int) -> int:
    """Return the bytes that are holes in a file of *size* with stretches of *data*."""
    return size - sum(end - start for start, end in data)


def stored(
    reader: int, data: list[tuple[int, int]], size: int, whole: "hashlib._Hash"
) -> Iterator[bytes]:
    """Yield the stretches of *data* of a file with holes; *whole* hears of the holes, too.

    Args:
        reader: The open file.
        data: Where each stretch begins and ends.
        size: Bytes of the file, holes included.
        whole: Reckons over all of it.
    """
    end = 0
    for start, stop in data:
        _zeros(whole, start - end)
        for piece in pieces(reader, [(start, stop)]):
            whole.update(piece)
            yield piece
        end = stop
    _zeros(whole, size - end)


def _zeros(whole: "hashlib._Hash", size: int) -> None:
    nothing = bytes(min(size, CHUNK))
    while size > 0:
        whole.update(nothing[:size])
        size -= CHUNK
