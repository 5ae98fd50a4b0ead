# SPDX-License-Identifier: Apache-2.0
"""What all doubles share: a small HTTP server that answers by method and path."""

import json
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    parts: tuple[str, ...] = ()

    def json(self) -> Any:
        """Return the body as JSON; an empty one is an empty object.

        Raises:
            ValueError: If it is none.
        """
        return json.loads(self.body or b"{}")


@dataclass
class Reply:
    """What is answered: bytes, text, values for JSON, or pieces of a stream."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def pieces(self) -> tuple[str, Iterable[bytes] | bytes]:
        """Return the content type and the bytes."""
        if isinstance(self.body, bytes):
            return "application/octet-stream", self.body
        if isinstance(self.body, str):
            return "text/plain; charset=utf-8", self.body.encode()
        if isinstance(self.body, dict | list):
            return "application/json", json.dumps(self.body).encode()
        return "application/octet-stream", self.body


def ndjson(values: Iterable[Any]) -> Reply:
    """Return a stream of one JSON document per line."""
    lines: Iterator[bytes] = (json.dumps(value).encode() + b"\n" for value in values)
    return Reply(lines, headers={"Content-Type": "application/x-ndjson"})


class App:
    """Routes: a pattern of the path and, by method, who answers."""

    def __init__(self, *, quiet: bool = True) -> None:
        """Start with no routes; *quiet* leaves single requests out of the log."""
        self.quiet = quiet
        self._routes: list[tuple[str, re.Pattern[str], Callable[[Request], Reply]]] = []
        self.otherwise: Callable[[Request], Reply] = lambda _asked: Reply("404 page not found", 404)
        self.before: Callable[[Request], Reply | None] = lambda _asked: None

    def on(self, methods: str, pattern: str) -> Callable[[Any], Any]:
        """Answer requests with one of *methods* (words) whose whole path matches *pattern*."""

        def keep(answer: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
            for method in methods.split():
                self._routes.append((method, re.compile(pattern), answer))
            return answer

        return keep

    def answer(self, asked: Request) -> Reply:
        """Return the answer, as the first route gives it that fits."""
        early = self.before(asked)
        if early is not None:
            return early
        method = "GET" if asked.method == "HEAD" else asked.method
        other = False
        for known, pattern, answer in self._routes:
            match = pattern.fullmatch(asked.path)
            if match and known in (method, asked.method):
                asked.parts = tuple(part or "" for part in match.groups())
                return answer(asked)
            other = other or bool(match)
        return Reply("405 method not allowed", 405) if other else self.otherwise(asked)


class Handler(BaseHTTPRequestHandler):
    """Reads a request, lets the app answer, writes the answer."""

    protocol_version = "HTTP/1.1"
    app: ClassVar[App]
    timeout = 120

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            body = self._body()
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Request(self.command, unquote(parts.path), query, headers, body)
            reply = self.app.answer(asked)
        except Exception as wrong:  # noqa: BLE001 - a server answers 500 and lives on
            print(f"error: {type(wrong).__name__}: {wrong}", file=sys.stderr, flush=True)
            reply = Reply({"error": str(wrong)}, 500)
        try:
            self._write(reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def _write(self, reply: Reply) -> None:
        kind, body = reply.pieces()
        self.send_response(reply.status)
        headers = {"Content-Type": kind, **reply.headers}
        streamed = not isinstance(body, bytes)
        headers |= {"Transfer-Encoding": "chunked"} if streamed else {"Content-Length": len(body)}
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(body, bytes):
            self.wfile.write(body)
            return
        for piece in body:
            if piece:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - names of the library

    def log_message(self, form: str, *values: Any) -> None:
        """Say what was asked, unless the app is quiet."""
        if not self.app.quiet:
            print(form % values, file=sys.stderr, flush=True)


class Server(ThreadingHTTPServer):
    """Listens on IPv4 or IPv6, and ends quickly."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App) -> None:
        """Listen at *address* for *app*."""
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, type("Bound", (Handler,), {"app": app}))

    def handle_error(self, _request: Any, _address: Any) -> None:
        """Say nothing about clients that went away."""


def serve(app: App, host: str, port: int) -> None:
    """Answer at *host* and *port* until told to end."""
    server = Server((host, port), app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    server.server_close()
