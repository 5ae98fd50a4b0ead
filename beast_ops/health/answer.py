# SPDX-License-Identifier: Apache-2.0
"""Ask a path for its status, and nothing more.

Over plain HTTP the status line is read from the socket: a whole client costs 1 ms of processor
time per request, which fifty services asked at once wait for together (tests/bench/health.py).
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from beast_ops import http
from beast_ops.errors import UnavailableError

NONE: Mapping[str, str] = MappingProxyType({})
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)\b")


async def status(
    name: str, url: str, client: http.AsyncClient, headers: Mapping[str, str] = NONE
) -> int:
    """Return the status with which the service *name* answers `GET url`.

    Args:
        name: What the service is called.
        url: What to ask.
        client: Asks where TLS is spoken.
        headers: What to send besides.

    Raises:
        UnavailableError: If there is no answer.
    """
    if url.startswith("http://"):
        return await _plain(name, url, headers)
    with http.speaking_to(name):
        async with client.stream("GET", url, headers=headers) as answer:
            return answer.status_code


def nobody(failed: UnavailableError) -> bool:
    """Return whether there was not even a connection; a certificate we refuse is somebody's."""
    reason: BaseException | None = failed.__cause__
    if not isinstance(reason, OSError | http.ConnectError):
        return False
    while reason is not None:
        if isinstance(reason, ssl.SSLError):
            return False
        reason = reason.__cause__ or reason.__context__
    return True


async def _plain(name: str, url: str, headers: Mapping[str, str]) -> int:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    except OSError as failed:
        raise UnavailableError(f"{name} does not answer: {failed.strerror}") from failed
    try:
        said = {"Host": parts.netloc, "Connection": "close", **headers}
        lines = [f"GET {target} HTTP/1.1", *(f"{key}: {value}" for key, value in said.items())]
        head = "\r\n".join([*lines, "", ""])
        writer.write(head.encode())
        line = await reader.readline()
    except (OSError, ValueError):  # a line without end is no answer either
        line = b""
    finally:
        writer.close()
    match = _STATUS.match(line)
    if match is None:
        raise UnavailableError(f"{name} broke off without an answer") from None
    return int(match[1])
