# SPDX-License-Identifier: Apache-2.0
"""Refusals in the shape of the model server, which its clients read: `{"error": "why"}`."""

import json

from starlette.types import Send

CLOSED = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class RefusedError(Exception):
    """A request that is not handed on, or whose answer is not.

    Attributes:
        status: The status of the answer.
        headers: What is told besides.
    """

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        """Refuse with *status* for *reason*; *headers* have underscores for hyphens."""
        super().__init__(reason)
        self.status = status
        self.headers = [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ]


class ClientGoneError(Exception):
    """Nobody is there any more to take the answer."""


def body_of(reason: str) -> bytes:
    """Return what is answered for *reason*."""
    return json.dumps({"error": reason}).encode()


async def refuse(send: Send, refused: RefusedError, *, bodiless: bool = False) -> None:
    """Answer with *refused*; a HEAD is answered *bodiless*."""
    body = body_of(str(refused))
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", b"application/json"), length, *CLOSED, *refused.headers]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bodiless else body})
