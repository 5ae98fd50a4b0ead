# SPDX-License-Identifier: Apache-2.0
"""Hand a request on to the model server, and its answer back, as it comes.

Of what a client sends only method, path and body go on; heads are written anew on both sides. An
answer is read no faster than its client takes it. Who hangs up, or takes nothing for a minute,
ends the work of the model server as well.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

from starlette.types import Receive, Send

from beast_ops import http
from beast_ops.access.rules import ModelRules

from .bodies import shown
from .permits import Permit
from .refusal import CLOSED, ClientGoneError, RefusedError, body_of

LOG = logging.getLogger("beast.gateway")
TAKE_SECONDS = 60.0  # who takes nothing of an answer for so long is gone
LIST_BYTES = 16 << 20
LINES = b"application/x-ndjson"
KINDS = (b"application/json", LINES, b"text/plain")
AWAY = "the model server does not answer"
LATE = "the model server took too long"


@dataclass(frozen=True, slots=True)
class Errand:
    """One request that may be handed on.

    Attributes:
        method: What to do.
        path: Where; as in `permits`, so it is plain.
        permit: What it takes.
        rules: What of the answer may be shown.
        body: What to send along.
        length: How many bytes that are, where they come in pieces.
    """

    method: str
    path: str
    permit: Permit
    rules: ModelRules
    body: bytes | AsyncIterator[bytes] | None = None
    length: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        """The head that the model server gets, whatever the client's was."""
        kind = {"json": "application/json", "blob": "application/octet-stream", "none": ""}
        found = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "beast-gateway"}
        if kind[self.permit.body]:
            found["content-type"] = kind[self.permit.body]
        if self.length:
            found["content-length"] = self.length.decode()
        return found


class Upstream:
    """The model server."""

    def __init__(self, client: http.AsyncClient) -> None:
        """Ask through *client*, which keeps no cookies: one would go along with all others."""
        client.cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        self._client = client

    async def run(self, errand: Errand, receive: Receive, send: Send) -> int:
        """Run *errand* and answer; return the status.

        Args:
            errand: What to do.
            receive: Tells when the client hangs up.
            send: Takes the answer.

        Raises:
            RefusedError: If nothing was answered yet, and cannot be.
            ClientGoneError: If the client hung up, or takes nothing.
        """
        work = asyncio.create_task(self._work(errand, Taker(send)))
        # A body that comes in pieces is received by the work itself, which notices an end.
        watched = not isinstance(errand.body, AsyncIterator)
        gone = asyncio.create_task(_gone(receive)) if watched else None
        try:
            await asyncio.wait({work, gone} if gone else {work}, return_when="FIRST_COMPLETED")
            if work.done():
                return work.result()
            raise ClientGoneError
        finally:
            for each in filter(None, (work, gone)):
                each.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await each

    async def _work(self, errand: Errand, taker: "Taker") -> int:
        try:
            async with asyncio.timeout(errand.permit.seconds):
                return await self._ask(errand, taker)
        except TimeoutError:
            LOG.info("%s %s: %s", errand.method, errand.path, LATE)
            return await taker.end(RefusedError(504, LATE))
        except http.RequestError as failed:
            LOG.info("%s %s: %s", errand.method, errand.path, failed or type(failed).__name__)
            late = isinstance(failed, http.LateError)
            return await taker.end(RefusedError(504, LATE) if late else RefusedError(502, AWAY))

    async def _ask(self, errand: Errand, taker: "Taker") -> int:
        asked = self._client.build_request(
            errand.method, errand.path, content=errand.body, headers=errand.headers
        )
        answer = await self._client.send(asked, stream=True)
        try:
            if answer.is_redirect or answer.is_informational:
                raise RefusedError(502, "the model server sends elsewhere")
            if errand.permit.shown == "models" and errand.rules.models is not None:
                await _listed(answer, errand, taker)
            else:
                await _whole(answer, errand, taker)
            return answer.status_code
        finally:
            await answer.aclose()


class Taker:
    """Takes an answer, piece by piece, while the client does."""

    def __init__(self, send: Send) -> None:
        """Hand it to *send*."""
        self._send = send
        self._kind: bytes | None = None  # of what was begun

    async def begin(self, status: int, kind: bytes, length: str | None) -> None:
        """Send the head of an answer of that *kind*, with *length* bytes if that is known."""
        headers = [*CLOSED, *([(b"content-type", kind)] if kind else [])]
        if length is not None:
            headers.append((b"content-length", length.encode()))
        self._kind = kind
        await self._give({"type": "http.response.start", "status": status, "headers": headers})

    async def more(self, piece: bytes, *, last: bool = False) -> None:
        """Send a piece."""
        await self._give({"type": "http.response.body", "body": piece, "more_body": not last})

    async def end(self, failed: RefusedError) -> int:
        """Tell that it *failed*: as the model server does in the middle of a stream, by a line.

        Raises:
            RefusedError: If nothing was sent yet.
            ClientGoneError: If what was begun cannot be ended but by hanging up.
        """
        if self._kind is None:
            raise failed
        if self._kind != LINES:
            raise ClientGoneError
        await self.more(body_of(str(failed)) + b"\n", last=True)
        return failed.status

    async def _give(self, message: dict[str, object]) -> None:
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                await self._send(message)
        except TimeoutError:
            raise ClientGoneError from None


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _whole(answer: http.Response, errand: Errand, taker: Taker) -> None:
    """Hand *answer* on as it comes."""
    length = answer.headers.get("content-length")
    encoded = "content-encoding" in answer.headers
    await taker.begin(answer.status_code, _kind(answer), None if encoded else length)
    if errand.method != "HEAD":
        async for piece in answer.aiter_bytes() if encoded else answer.aiter_raw():
            await taker.more(piece)
    await taker.more(b"", last=True)


async def _listed(answer: http.Response, errand: Errand, taker: Taker) -> None:
    """Hand on a list of models without those that are not shown."""
    whole = b""
    async for piece in answer.aiter_bytes():
        whole += piece
        if len(whole) > LIST_BYTES:
            raise RefusedError(502, "the model server has too long a list")
    if answer.is_success and errand.method != "HEAD":
        whole = shown(whole, errand.rules)
    length = None if errand.method == "HEAD" else str(len(whole))
    await taker.begin(answer.status_code, _kind(answer), length)
    await taker.more(whole, last=True)


def _kind(answer: http.Response) -> bytes:
    """Return what the answer says it is, if that is nothing a browser would run."""
    said = answer.headers.get("content-type", "").encode("latin-1", "replace")
    plain = said.partition(b";")[0].strip().lower()
    return plain if plain in KINDS else b"application/octet-stream" if said else b""
