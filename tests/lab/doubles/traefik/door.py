# SPDX-License-Identifier: Apache-2.0
"""The running double: entry points, connections, and the folder it watches."""

import asyncio
import contextlib
import socket
import ssl
import time
from http import HTTPStatus
from pathlib import Path

from .config import Dynamic, EntryPoint, Static, read_folder
from .metrics import Metrics
from .middlewares import plain
from .routing import Router, Table, forwarded, table
from .schema import ConfigError
from .tls import Keyring, server_context
from .wire import (
    HEAD_BYTES,
    PIECE,
    BadRequestError,
    Headers,
    Request,
    Response,
    read_request,
    send_body,
)

LOOK_SECONDS = 0.2
GRACE_SECONDS = 10.0
UNREAD_BYTES = 256 << 10  # as much of an unwanted body Go's server still reads
TLS_HELLO = 0x16
# Prometheus 3 refuses to read what does not say what it is.
EXPOSITION = ("Content-Type", "text/plain; version=0.0.4; charset=utf-8")


class Door:
    """Everything between the static file and the last connection."""

    def __init__(self, static: Static) -> None:
        self.static = static
        self.table = Table()
        self.keys = Keyring(Dynamic())
        self.metrics = Metrics()
        self.draining = False
        self.seen: object = None
        self.tls = server_context(self.choose)
        self.connections: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until *stop*, then let what runs end."""
        self.look()
        listeners = [self._listen(entry) for entry in self.static.entries.values()]
        tasks = [
            asyncio.create_task(self._accept(entry, listener))
            for entry, listener in zip(self.static.entries.values(), listeners, strict=True)
        ]
        tasks.append(asyncio.create_task(self._watch()))
        print("INF Traefik version (double) started", flush=True)
        await stop.wait()
        self.draining = True
        for task in tasks:
            task.cancel()
        for listener in listeners:
            listener.close()
        if self.connections:
            await asyncio.wait(self.connections, timeout=GRACE_SECONDS)

    def choose(self, name: str | None) -> ssl.SSLContext | None:
        """Return what is shown to who asks for *name*, of the certificates there are now."""
        return self.keys.choose(name)

    def look(self) -> None:
        """Read the folder if anything in it changed; keep the old routes if it cannot be read."""
        folder = self.static.folder
        if folder is None:
            return
        signature = _signature(folder)
        if signature == self.seen:
            return
        self.seen = signature
        try:
            dynamic = read_folder(folder)
        except (ConfigError, OSError, UnicodeDecodeError) as wrong:
            print(f"ERR Error while building configuration: {wrong}", flush=True)
            return
        if dynamic == self.table.dynamic:
            return  # as before: nothing is built anew
        self.table = table(self.static, dynamic)
        self.keys = Keyring(dynamic)
        self.metrics.add("traefik_config_reloads_total")
        self.metrics.put("traefik_config_last_reload_success", time.time())
        self.metrics.forget("traefik_tls_certs_not_after")
        for (serial, names), ends in self.keys.ends.items():
            self.metrics.put("traefik_tls_certs_not_after", ends, cn="", serial=serial, sans=names)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def _listen(self, entry: EntryPoint) -> socket.socket:
        if entry.host is None and socket.has_dualstack_ipv6():
            with contextlib.suppress(OSError):
                address = ("::", entry.port)
                made = socket.create_server(
                    address, family=socket.AF_INET6, backlog=1024, dualstack_ipv6=True
                )
                made.settimeout(0)
                return made
        made = socket.create_server((entry.host or "0.0.0.0", entry.port), backlog=1024)
        made.settimeout(0)
        return made

    async def _accept(self, entry: EntryPoint, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, peer = await loop.sock_accept(listener)
            address = str(peer[0]).removeprefix("::ffff:").partition("%")[0]
            task = asyncio.create_task(self._connection(entry, connection, address))
            self.connections.add(task)
            task.add_done_callback(self.connections.discard)

    async def _connection(self, entry: EntryPoint, opened: socket.socket, peer: str) -> None:
        labels = {"entrypoint": entry.name, "protocol": "TCP"}
        self.metrics.move("traefik_open_connections", 1, **labels)
        writer = None
        try:
            secure = await _is_tls(opened, entry.read_seconds)
            reader, writer = await _streams(opened, self.tls if secure else None)
            await self._requests(entry, peer, (reader, writer))
        except (OSError, ssl.SSLError, BadRequestError, TimeoutError, asyncio.CancelledError):
            pass  # whoever came is gone
        finally:
            self.metrics.move("traefik_open_connections", -1, **labels)
            if writer is not None:
                writer.close()
            else:
                opened.close()

    async def _requests(
        self,
        entry: EntryPoint,
        peer: str,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        reader, writer = streams
        wait = entry.read_seconds
        while True:
            try:
                async with asyncio.timeout(wait or None):
                    request = await read_request(reader)
            except BadRequestError as wrong:
                writer.write(_head(plain(400, f"400 Bad Request: {wrong}"), close=True))
                return
            if request is None:
                return
            request.peer, request.entry = peer, entry.name
            request.secure = writer.get_extra_info("ssl_object") is not None
            patience = asyncio.create_task(_break_off(request, writer, entry.read_seconds))
            try:
                again = await self._answer(entry, request, writer)
            finally:
                patience.cancel()
            if not again:
                return
            wait = entry.idle_seconds

    async def _answer(
        self, entry: EntryPoint, request: Request, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer *request*, and return whether another may follow on the same connection."""
        begun = time.monotonic()
        if "100-continue" in request.headers.words("expect"):
            request.body.before = lambda: writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        close = "close" in request.headers.words("connection") or self.draining
        method = request.method if request.method.isupper() else "EXTENSION_METHOD"
        router = None if self._own(entry, request) else self.table.find(request)
        response = await self._respond(entry, request, router)
        if response.spliced is not None:
            await _splice(response, request, writer)
            return False
        unread = not request.body.done and (request.body.chunked or bool(request.body.length))
        if unread and response.body is None:
            close = True  # refused before it was read
        sent = await _send(response, request, writer, close=close)
        unread = not request.body.done and (request.body.chunked or bool(request.body.length))
        labels = {"code": str(response.status), "method": method, "protocol": "http"}
        self._count(entry, router, request, (time.monotonic() - begun, sent, labels))
        if unread:
            await _drain(request)
            return False
        return not close

    async def _respond(
        self, entry: EntryPoint, request: Request, router: Router | None
    ) -> Response:
        own = self._own(entry, request)
        if own is not None:
            return own
        if router is None or router.handler is None:
            return plain(404, "404 page not found")
        forwarded(request, entry.trusted, insecure=entry.insecure)
        return await router.handler(request)

    def _own(self, entry: EntryPoint, request: Request) -> Response | None:
        """Return the answer of Traefik itself, if this entry point gives one."""
        ping, scraped = self.static.section("ping"), self.static.prometheus
        asked = (request.path, entry.name)
        if ping is not None and asked == ("/ping", ping.get("entryPoint", "traefik")):
            drained = plain(503, "Service Unavailable")
            return drained if self.draining else Response(200, content=b"OK")
        if scraped is not None and asked == ("/metrics", scraped.get("entryPoint", "traefik")):
            return Response(200, Headers([EXPOSITION]), self.metrics.text().encode())
        return None

    def _count(
        self,
        entry: EntryPoint,
        router: Router | None,
        request: Request,
        what: tuple[float, int, dict[str, str]],
    ) -> None:
        took, sent, labels = what
        scraped = self.static.prometheus
        if scraped is None or (router is None and entry.name == "traefik"):
            return
        sizes = (request.body.read, sent)
        if scraped.get("addEntryPointsLabels", True):
            self.metrics.served("entrypoint", took, sizes, entrypoint=entry.name, **labels)
        if router is None or router.service.endswith("@internal"):
            return
        if scraped.get("addServicesLabels", True):
            self.metrics.served("service", took, sizes, service=router.service, **labels)
        if scraped.get("addRoutersLabels", False):
            more = {"service": router.service, "router": f"{router.name}@file"}
            self.metrics.served("router", took, sizes, **more, **labels)


def _signature(folder: Path) -> object:
    found = []
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError):
            state = path.stat()
            found.append((str(path), state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(found)


async def _is_tls(opened: socket.socket, seconds: float) -> bool:
    """Return whether the first byte begins a TLS hello, and leave it there."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(opened, readable)
    try:
        async with asyncio.timeout(seconds or None):
            await ready
    finally:
        loop.remove_reader(opened)
    first = opened.recv(1, socket.MSG_PEEK)
    return bool(first) and first[0] == TLS_HELLO


async def _streams(
    opened: socket.socket, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=HEAD_BYTES)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, opened, ssl=context)
    transport.set_write_buffer_limits(high=4 * PIECE)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _break_off(request: Request, writer: asyncio.StreamWriter, seconds: float) -> None:
    """End the connection when *request* was not read whole after *seconds*."""
    if not seconds or not (request.body.chunked or request.body.length):
        return
    await asyncio.sleep(seconds)
    if not request.body.done:
        writer.transport.abort()


def _head(response: Response, *, close: bool, chunked: bool = False) -> bytes:
    headers = response.headers
    if chunked:
        headers.put("Transfer-Encoding", "chunked")
    elif response.body is None and response.status not in {101, 204, 304}:
        headers.put("Content-Length", str(len(response.content)))
    if close:
        headers.put("Connection", "close")
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = ""
    first = f"HTTP/1.1 {response.status} {phrase}\r\n".encode()
    content = b"" if response.body is not None else response.content
    return first + headers.bytes() + b"\r\n" + content


async def _send(
    response: Response, request: Request, writer: asyncio.StreamWriter, *, close: bool
) -> int:
    body = response.body
    if body is None:
        content = b"" if request.method == "HEAD" else response.content
        head = _head(response, close=close)
        writer.write(head[: len(head) - len(response.content)] + content)
        await writer.drain()
        return len(content)
    chunked = body.chunked or (body.length is None and response.status not in {204, 304})
    writer.write(_head(response, close=close, chunked=chunked))
    await writer.drain()
    return await send_body(writer, body.pieces(), chunked=chunked)


async def _drain(request: Request) -> None:
    """Read a little of what nobody wanted, so that the answer is not lost on its way."""
    read = 0
    with contextlib.suppress(BadRequestError, OSError, TimeoutError):
        async with asyncio.timeout(0.5):
            async for piece in request.body.pieces():
                read += len(piece)
                if read >= UNREAD_BYTES:
                    return


async def _splice(response: Response, request: Request, writer: asyncio.StreamWriter) -> None:
    """Let both sides talk until one of them has had enough."""
    assert response.spliced is not None
    behind_reader, behind_writer = response.spliced
    writer.write(_head(response, close=False))

    async def pump(reader: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            into.write(piece)
            await into.drain()

    ways = {
        asyncio.create_task(pump(request.body.reader, behind_writer)),
        asyncio.create_task(pump(behind_reader, writer)),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        behind_writer.close()
        await writer.drain()
