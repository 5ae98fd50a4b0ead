# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests: of a kind that is understood, not too large, and not for ever on the way."""

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from .asked import Asked

BODY_BYTES = 1 << 20
MANIFEST_BYTES = 64 << 20  # a hundred thousand documents with long paths
# Who sends slower than this holds a connection rather than sends a body.
PATIENCE_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 1024


def size(asked: Asked) -> int:
    """Return how many bytes of body may follow.

    Raises:
        HTTPException: If more are announced, or others than JSON.
    """
    headers = asked.headers
    limit = _limit(asked.method, asked.path, asked.settings.upload_bytes)
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit():
        raise HTTPException(400, "the content length is not a number")
    if int(announced) > limit:
        raise _too_large(limit)
    if asked.method == "POST" and (announced != b"0" or b"transfer-encoding" in headers):
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind != b"application/json":
            raise HTTPException(415, "the body is not declared as JSON")
    return limit


def _limit(method: str, path: str, upload_bytes: int) -> int:
    if method == "PUT":
        return upload_bytes
    return MANIFEST_BYTES if path == "/ingest" else BODY_BYTES


def _too_large(limit: int) -> HTTPException:
    # The rest of the body is not read, so the connection cannot be used again.
    return HTTPException(
        413, f"the body has more than {limit} bytes", headers={"connection": "close"}
    )


def limited(receive: Receive, limit: int) -> Receive:
    """Return *receive* that raises once more than *limit* bytes came through, or far too few."""
    seen = 0
    whole = False
    begun = time.monotonic()

    async def counted() -> Message:
        nonlocal seen, whole
        if whole:  # what follows is only the end of the connection, which may take its time
            return await receive()
        due = begun + PATIENCE_SECONDS + seen / LEAST_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(due - time.monotonic()):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                408, "the body does not come", headers={"connection": "close"}
            ) from None
        whole = not message.get("more_body", False)
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counted
