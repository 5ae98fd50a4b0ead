# SPDX-License-Identifier: Apache-2.0
"""A server that answers with bytes, so that it can fail in every way in which one can."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass

from beast_ops.errors import ServiceError, SlowError, UnavailableError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\n%sContent-Length: 16\r\n\r\n" + b'{"error":"busy"}'


@dataclass
class Seen:
    """What a raw server saw."""

    calls: int = 0


@contextmanager
def raw(answer):
    """Serve connections on the loopback, each by what *answer* does with its socket."""
    listener, seen, over = socket.create_server(("127.0.0.1", 0)), Seen(), threading.Event()

    def one(connection):
        with connection:
            connection.settimeout(5)
            try:
                if connection.recv(1 << 16):
                    seen.calls += 1
                    answer(connection, over)
            except OSError:
                pass  # they hung up

    def run():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def reset(connection, _over):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def full(connection, _over):
    connection.sendall(BUSY % b"")


def drip(connection, over):
    """Send an answer that never ends, byte by byte, so that there is never a silence."""
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while not over.wait(0.05):
        connection.sendall(b" ")


def stall(connection, over):
    connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n")
    over.wait(30)


def html(connection, _over):
    connection.sendall(HEAD + b"Content-Length: 7\r\n\r\n<html>\n")


FAULTS = {
    "reset": (reset, UnavailableError),
    "full": (full, UnavailableError),
    "drip": (drip, SlowError),
    "stall": (stall, SlowError),
    "html": (html, ServiceError),
}
