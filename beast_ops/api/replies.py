# SPDX-License-Identifier: Apache-2.0
"""Answers that are given again for a moment: to the same user, until somebody writes.

An answer of a route whose rule has a `cache` gets an ETag and an X-Cache of HIT or MISS. What
a worker did in another process shows as soon as the moment is over; whoever cannot wait for
that sends Cache-Control: no-cache.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beast_ops.clock import SYSTEM, Clock

from .asked import Asked, RawHeaders
from .metrics import Requests

ENTRIES_MOST = 1000
BYTES_MOST = 32 << 20
_AGAIN = (b"cache-control", b"private, no-cache")  # kept by the browser, and asked for each time
Key = tuple[str, bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    etag: bytes
    headers: RawHeaders
    body: bytes


class Replies:
    """The answers of the last moments."""

    def __init__(self, requests: Requests, clock: Clock = SYSTEM) -> None:
        """Start with none, and count in *requests*."""
        self._requests, self._clock = requests, clock
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._bytes = 0
        self._written = 0  # how often somebody wrote

    def forget(self) -> None:
        """Forget all: somebody wrote."""
        self._written += 1
        self._kept.clear()
        self._bytes = 0

    async def answer(
        self, app: ASGIApp, asked: Asked, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer from what is kept, else by *app*."""
        headers = asked.headers
        who = asked.principal.key if asked.principal is not None else ""
        key = (who, scope["raw_path"], scope["query_string"], headers.get(b"accept", b""))
        kept = self._kept.get(key)
        fresh = b"no-cache" not in headers.get(b"cache-control", b"")
        if kept is not None and fresh and kept.until > self._clock.monotonic():
            self._requests.count_cached(hit=True)
            await _send(kept, b"HIT", headers.get(b"if-none-match", b""), send)
            return
        written = self._written
        caught = _Caught(send)
        await app(scope, receive, caught)
        if caught.start is None:  # it was not of a kind that is kept, and is on its way
            return
        self._requests.count_cached(hit=False)
        until = self._clock.monotonic() + asked.rule.cache
        found = _Kept(until, _etag(caught.body), caught.start["headers"], caught.body)
        if written == self._written:  # else what was read may be from before that
            self._keep(key, found)
        await _send(found, b"MISS", headers.get(b"if-none-match", b""), send)

    def _keep(self, key: Key, found: _Kept) -> None:
        before = self._kept.pop(key, None)
        self._bytes += len(found.body) - (len(before.body) if before else 0)
        self._kept[key] = found
        while len(self._kept) > ENTRIES_MOST or self._bytes > BYTES_MOST:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)


class _Caught:
    """Holds a good answer back until it is whole; lets every other one pass."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:  # noqa: PLR2004 - HTTP's own number
            self.start = message
        elif self.start is not None and message["type"] == "http.response.body":
            self.body += message.get("body", b"")
        else:
            await self._send(message)


def _etag(body: bytes) -> bytes:
    return b'"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()


async def _send(found: _Kept, how: bytes, known: bytes, send: Send) -> None:
    etags = {each.strip().removeprefix(b"W/") for each in known.split(b",")}
    same = found.etag in etags or known == b"*"
    more = [(b"etag", found.etag), (b"x-cache", how), (b"vary", b"cookie, authorization"), _AGAIN]
    headers = [] if same else found.headers
    status = 304 if same else 200
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *more]})
    await send({"type": "http.response.body", "body": b"" if same else found.body})
