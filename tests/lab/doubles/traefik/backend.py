# SPDX-License-Identifier: Apache-2.0
"""Hand a request on to the service behind, and bring its answer back as it comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import SplitResult

from .wire import (
    HEAD_BYTES,
    HOP_BY_HOP,
    BadRequestError,
    Body,
    Headers,
    Request,
    Response,
    read_response,
    send_body,
)

DIAL_SECONDS = 30.0


def _no_gateway(status: int, text: str) -> Response:
    return Response(status, Headers([("Content-Type", "text/plain")]), text.encode())


async def ask(address: SplitResult, request: Request) -> Response:
    """Return what *address* answers to *request*: 502 if nobody does, 504 if not in time."""
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        async with asyncio.timeout(DIAL_SECONDS):
            reader, writer = await asyncio.open_connection(
                address.hostname, port, limit=HEAD_BYTES, ssl=address.scheme == "https" or None
            )
    except TimeoutError:
        return _no_gateway(504, "Gateway Timeout")
    except OSError:
        return _no_gateway(502, "Bad Gateway")
    exchange = _Exchange(request, reader, writer)
    try:
        return await exchange.run()
    except (BadRequestError, OSError):
        await exchange.end()
        return _no_gateway(502, "Bad Gateway")
    except BaseException:
        await exchange.end()
        raise


class _Exchange:
    def __init__(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self.reader = reader
        self.writer = writer
        self.sending: asyncio.Task[int] | None = None

    async def run(self) -> Response:
        """Send head and body, and return as soon as the answer begins."""
        request = self.request
        upgrade = request.upgrade
        kept = [f for f in request.headers.fields if f[0].lower() not in HOP_BY_HOP]
        headers = Headers(kept)
        headers.drop("Expect")
        headers.put("Connection", "Upgrade" if upgrade else "close")
        if upgrade:
            headers.put("Upgrade", upgrade)
        if request.body.chunked:
            headers.put("Transfer-Encoding", "chunked")
        head = f"{request.method} {request.target} HTTP/1.1\r\n".encode("latin-1")
        self.writer.write(head + headers.bytes() + b"\r\n")
        self.sending = asyncio.create_task(self._send())
        answering = asyncio.create_task(read_response(self.reader, request.method))
        await asyncio.wait({self.sending, answering}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done() and self.sending.exception() is not None:
            answering.cancel()
            raise self.sending.exception() or OSError
        status, found, body = await answering
        return self._response(status, found, body)

    async def _send(self) -> int:
        pieces = self.request.body.pieces()
        return await send_body(self.writer, pieces, chunked=self.request.body.chunked)

    def _response(self, status: int, found: Headers, body: Body) -> Response:
        protocol = found.get("upgrade")
        headers = Headers([f for f in found.fields if f[0].lower() not in HOP_BY_HOP])
        if status == 101:
            headers.put("Connection", "Upgrade")
            headers.put("Upgrade", protocol)
            return Response(101, headers, spliced=(self.reader, self.writer))
        return Response(status, headers, body=_Ending(body, self))

    async def end(self) -> None:
        """Close the connection behind."""
        if self.sending is not None:
            self.sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, BadRequestError):
                await self.sending
        self.writer.close()


class _Ending(Body):
    """A body that closes its connection when it was read."""

    def __init__(self, inner: Body, exchange: _Exchange) -> None:
        super().__init__(inner.reader, inner.length, inner.chunked)
        self.exchange = exchange

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the content, and close."""
        try:
            async for piece in super().pieces():
                yield piece
        finally:
            await self.exchange.end()
