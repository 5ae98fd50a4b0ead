# SPDX-License-Identifier: Apache-2.0
"""One file out of a multipart body, of any size, in constant memory (RFC 7578)."""

import mmap
import re
from collections.abc import AsyncIterator
from email.message import Message
from pathlib import Path

from . import space
from .errors import malformed

FIELD = "snapshot"
HEADERS = 8192  # bytes in which the headers of the only part must end


def boundary(content_type: str) -> bytes:
    """Return the boundary of a multipart content type.

    Raises:
        RefusedError: If it is another type, or names none.
    """
    message = Message()
    message["content-type"] = content_type
    found = message.get_boundary()
    if message.get_content_type() != "multipart/form-data" or not found:
        raise malformed("expected multipart/form-data with a boundary")
    return found.encode("latin-1")


async def receive(stream: AsyncIterator[bytes], path: Path) -> None:
    """Write the body in *stream* to the new file *path*.

    Raises:
        RefusedError: If there is no room for it.
    """
    with path.open("xb") as file:
        async for piece in stream:
            space.require(path.parent, len(piece))
            file.write(piece)


def extract(raw: Path, edge: bytes, target: Path) -> None:
    """Write the part called `snapshot` of the body in *raw* to the new file *target*.

    Args:
        raw: A file with the whole body.
        edge: Its boundary.
        target: Where the content of the part goes.

    Raises:
        RefusedError: If there is no such part, or there are others.
    """
    opening, closing = b"--" + edge + b"\r\n", b"\r\n--" + edge + b"--"
    if raw.stat().st_size == 0:
        raise malformed("the body is empty")
    with raw.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        start = body.find(opening, 0, HEADERS)
        headers_end = body.find(b"\r\n\r\n", start, start + HEADERS)
        end = body.rfind(closing)
        if start < 0 or headers_end < 0 or end < headers_end:
            raise malformed("the multipart body is not complete")
        if not re.search(rb'name="?snapshot"?[;\r\n]', body[start:headers_end] + b"\r\n"):
            raise malformed(f"missing field `{FIELD}`")
        content = headers_end + 4
        if body.find(b"\r\n" + opening, content, end) >= 0:
            raise malformed(f"more fields than `{FIELD}`")
        with target.open("xb") as out:
            for at in range(content, end, 1 << 20):
                out.write(body[at : min(at + (1 << 20), end)])
