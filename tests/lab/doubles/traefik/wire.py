# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on asyncio's streams: heads are read whole, bodies a piece at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

HEAD_BYTES = 1 << 20  # as http.DefaultMaxHeaderBytes
PIECE = 1 << 16
HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-connection", "proxy-authenticate"),
    *("proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"),
}


class BadRequestError(Exception):
    """What came is not HTTP."""


class Headers:
    """Header fields in the order they came, asked for in any case."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = list(fields)

    def all(self, name: str) -> list[str]:
        """Return every value of *name*."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of *name*."""
        return next(iter(self.all(name)), default)

    def drop(self, *names: str) -> None:
        """Remove all fields called one of *names*."""
        gone = {name.lower() for name in names}
        self.fields = [(key, value) for key, value in self.fields if key.lower() not in gone]

    def put(self, name: str, value: str) -> None:
        """Make *value* the only value of *name*."""
        self.drop(name)
        self.fields.append((name, value))

    def words(self, name: str) -> set[str]:
        """Return the words of a list such as Connection, in small letters."""
        return {word.strip().lower() for value in self.all(name) for word in value.split(",")}

    def bytes(self) -> bytes:
        """Return the fields as they go over the wire."""
        return "".join(f"{key}: {value}\r\n" for key, value in self.fields).encode("latin-1")


@dataclass
class Body:
    """What follows a head: so many bytes, chunks, or all until the end."""

    reader: asyncio.StreamReader
    length: int | None = 0
    chunked: bool = False
    done: bool = False
    read: int = 0
    before: Callable[[], None] | None = None  # called when somebody wants to read it

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the content."""
        if self.before is not None:
            self.before()
            self.before = None
        source = self._chunks() if self.chunked else self._plain()
        async for piece in source:
            self.read += len(piece)
            yield piece
        self.done = True

    async def whole(self) -> bytes:
        """Return the content."""
        return b"".join([piece async for piece in self.pieces()])

    async def _plain(self) -> AsyncIterator[bytes]:
        left = self.length
        while left is None or left > 0:
            piece = await self.reader.read(PIECE if left is None else min(PIECE, left))
            if not piece:
                if left is None:
                    return
                raise BadRequestError("unexpected EOF")
            left = None if left is None else left - len(piece)
            yield piece

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            line = await self.reader.readline()
            try:
                left = int(line.split(b";")[0], 16)
            except ValueError:
                raise BadRequestError("malformed chunked encoding") from None
            if left == 0:
                while (await self.reader.readline()).strip():
                    pass
                return
            while left:
                piece = await self.reader.read(min(PIECE, left))
                if not piece:
                    raise BadRequestError("unexpected EOF")
                left -= len(piece)
                yield piece
            await self.reader.readline()


@dataclass
class Request:
    """One request as it came in."""

    method: str
    target: str
    headers: Headers
    body: Body
    peer: str = ""
    secure: bool = False
    entry: str = ""
    user: str = ""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]

    @property
    def host(self) -> str:
        """The host that is asked for, in small letters and without port."""
        whole = self.headers.get("host").lower()
        if whole.startswith("["):
            return whole[1:].partition("]")[0]
        return whole.partition(":")[0]

    @property
    def upgrade(self) -> str:
        """The protocol that is asked for instead, if one is."""
        wanted = "upgrade" in self.headers.words("connection")
        return self.headers.get("upgrade") if wanted else ""


@dataclass
class Response:
    """An answer whose body is known, or comes from *body*."""

    status: int
    headers: Headers = field(default_factory=Headers)
    content: bytes = b""
    body: Body | None = None
    spliced: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Return the next request, or nothing at the end.

    Raises:
        BadRequestError: If it is not one.
    """
    head = await _head(reader)
    if head is None:
        return None
    first, headers = head
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError("malformed request line")
    method, target, _ = words
    if "://" in target:
        target = "/" + target.partition("://")[2].partition("/")[2]
    if len(headers.all("host")) != 1:
        raise BadRequestError("missing required Host header")
    return Request(method, target, headers, _body(reader, headers, 0))


async def read_response(reader: asyncio.StreamReader, method: str) -> tuple[int, Headers, Body]:
    """Return status, headers and body of an answer to *method*.

    Raises:
        BadRequestError: If it is not one.
    """
    while True:
        head = await _head(reader)
        if head is None:
            raise BadRequestError("EOF")
        first, headers = head
        try:
            status = int(first.split(" ")[1])
        except (IndexError, ValueError):
            raise BadRequestError("malformed response") from None
        if status >= 200 or status == 101:
            break
    empty = method == "HEAD" or status in {101, 204, 304}
    return status, headers, Body(reader) if empty else _body(reader, headers, None)


async def _head(reader: asyncio.StreamReader) -> tuple[str, Headers] | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        if not ended.partial.strip():
            return None
        raise BadRequestError("unexpected EOF") from None
    except asyncio.LimitOverrunError:
        raise BadRequestError("head too large") from None
    first, *lines = raw.decode("latin-1").strip("\r\n").split("\r\n")
    fields = []
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon or not key or key != key.strip():
            raise BadRequestError("malformed header")
        fields.append((key, value.strip()))
    return first, Headers(fields)


def _body(reader: asyncio.StreamReader, headers: Headers, otherwise: int | None) -> Body:
    if "chunked" in headers.words("transfer-encoding"):
        return Body(reader, chunked=True, length=None)
    length = headers.get("content-length")
    if not length:
        return Body(reader, otherwise)
    if not length.isdigit():
        raise BadRequestError("bad Content-Length")
    return Body(reader, int(length))


async def send_body(
    writer: asyncio.StreamWriter, pieces: AsyncIterator[bytes], *, chunked: bool
) -> int:
    """Write *pieces* as they come, and return how many bytes they were."""
    sent = 0
    async for piece in pieces:
        sent += len(piece)
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
    if chunked:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    return sent
