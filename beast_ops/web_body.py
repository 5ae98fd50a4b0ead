# SPDX-License-Identifier: Apache-2.0
"""The content of a page, however it comes: never more of it in memory than is allowed."""

import zlib
from collections.abc import Callable, Iterable, Iterator

import httpx

from .errors import DocumentError

_STEP_BYTES = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS


def body_of(answer: httpx.Response, most: int, left: Callable[[], object]) -> bytes:
    """Return the content of *answer*, never holding more than *most* bytes of it.

    Args:
        answer: Whose head came.
        most: How many bytes it may have, unpacked.
        left: Called between pieces; raises when time is up.

    Raises:
        DocumentError: If there is more, or it is packed in an unknown way.
    """
    packing = answer.headers.get("content-encoding", "identity").strip().lower()
    if packing not in {"identity", "", "gzip", "x-gzip"}:
        raise DocumentError(f"it came packed as {packing[:20]!r}, which was not asked for")
    pieces = answer.iter_raw(_STEP_BYTES)
    content = bytearray()
    for piece in unpacked(pieces, most) if "gzip" in packing else pieces:
        content += piece
        if len(content) > most:
            raise DocumentError(f"it has more than {most >> 20} MiB")
        left()
    return bytes(content)


def unpacked(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Yield what gzip packed into *pieces*, in small steps, until there is more than *most*.

    Raises:
        DocumentError: If it is damaged.
    """
    unpack, came = zlib.decompressobj(_GZIP), 0
    try:
        for piece in pieces:
            waiting = piece
            while waiting and not unpack.eof and came <= most:
                out = unpack.decompress(waiting, _STEP_BYTES)
                came += len(out)
                yield out
                waiting = unpack.unconsumed_tail
            if came > most:
                return
    except zlib.error as wrong:
        raise DocumentError("it came damaged") from wrong
    if not unpack.eof:
        raise DocumentError("it came damaged")
