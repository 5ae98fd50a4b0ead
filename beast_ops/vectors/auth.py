# SPDX-License-Identifier: Apache-2.0
"""Who may do what: one key for everything, one for reading, nothing without a key."""

import hmac
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN = frozenset({"/", "/healthz", "/livez", "/readyz"})  # as on a Qdrant server


@dataclass(frozen=True, slots=True)
class Keys:
    """The two keys, as bytes."""

    full: bytes = field(repr=False)
    read_only: bytes = field(repr=False)

    def may_write(self, offered: bytes) -> bool | None:
        """Return whether the *offered* key may write, or None if it is no key of ours.

        Both comparisons are always made and take the same time wherever they differ.
        """
        full = hmac.compare_digest(offered, self.full)
        read_only = hmac.compare_digest(offered, self.read_only)
        return True if full else False if read_only else None


class Gate:
    """ASGI middleware: lets requests with a key pass and notes what the key allows."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        """Guard *app* with *keys*."""
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 as plain text like a Qdrant server."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            offered = offered_key(Headers(scope=scope))
            may_write = None if offered is None else self._keys.may_write(offered)
            if may_write is None:
                await _stranger(offered)(scope, receive, send)
                return
            scope["may_write"] = may_write
        await self._app(scope, receive, send)


def offered_key(headers: Headers) -> bytes | None:
    """Return the key of the header `api-key`, or of `Authorization: Bearer`."""
    key = headers.get("api-key")
    if key is None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else None
    return None if key is None else key.encode("latin-1")


def _stranger(offered: bytes | None) -> PlainTextResponse:
    if offered is None:
        return PlainTextResponse(
            "Must provide an API key or an Authorization bearer token", status_code=401
        )
    return PlainTextResponse("Invalid API key or JWT", status_code=401)
