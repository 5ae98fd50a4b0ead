# SPDX-License-Identifier: Apache-2.0
"""Peers who want it endless, slow, or all at once, against the process as it is deployed."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from beast_ops import http
from tests.bench.api_live import ours

CLONE = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The address of a running API with little patience."""
    folder = tmp_path_factory.mktemp("hostile")
    (_, module), port, environ = ours(folder / "root")
    impatient = (
        "from beast_ops.api import bodies, protocol; import sys;"
        "protocol.HEAD_SECONDS = 1.0; bodies.PATIENCE_SECONDS = 1.0;"
        f"from {module}.__main__ import main; sys.exit(main())"
    )
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-c", impatient],
            env={**os.environ, **environ},
            cwd=CLONE,
            stdout=log,
            stderr=log,
        )
    try:
        wait(port, running)
        yield port, folder / "log", running
    finally:
        running.terminate()
        running.wait(20)


def wait(port, running):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert running.poll() is None
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it does not listen")


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def told(opened):
    """Return all that comes until the connection is closed."""
    found = b""
    while True:
        try:
            piece = opened.recv(1 << 16)
        except ConnectionResetError:  # it closed while we were still sending
            return found
        if not piece:
            return found
        found += piece


def alive(port):
    with http.client(f"http://127.0.0.1:{port}", seconds=5) as client:
        return client.get("/health/live").status_code == 200


def test_a_head_of_usual_size_passes(api):
    with http.client(f"http://127.0.0.1:{api[0]}", headers={"x-much": "x" * 20_000}) as client:
        for _ in range(5):
            assert 200 == client.get("/health/live").status_code


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Much: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Much: " + b"x" * 400_000,
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    ],
)
def test_a_head_that_is_too_large_is_refused(api, head):
    port, log, _ = api
    with connect(port) as opened:
        with suppress(OSError):  # it may be refused while it is sent
            opened.sendall(head)
        answer = told(opened)

    assert b"HTTP/1.1 431 " in answer or answer == b""
    if answer:
        assert b'"code": "head_too_large"' in answer
    assert "431 to 127.0.0.1" in log.read_text()
    assert alive(port)


@pytest.mark.parametrize("begun", [b"", b"GET /health/live HTTP/1.1\r\nHost: loc"])
def test_a_head_that_does_not_come_is_not_waited_for(api, begun):
    begin = time.monotonic()
    with connect(api[0]) as opened:
        opened.sendall(begun)
        answer = told(opened)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert 0.5 < time.monotonic() - begin < 6


def test_one_that_drips_is_cut_off(api):
    begin = time.monotonic()
    with connect(api[0]) as opened:
        opened.sendall(b"GET /health/live HTTP/1.1\r\n")
        with pytest.raises(OSError, match=r"reset|pipe"):  # noqa: PT012 - the drip is the point
            while time.monotonic() - begin < 20:
                opened.sendall(b"x")
                time.sleep(0.1)

    assert time.monotonic() - begin < 8


def test_a_second_head_that_drips_is_cut_off_as_well(api):
    with connect(api[0]) as opened:
        opened.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert opened.recv(1000).startswith(b"HTTP/1.1 200")
        opened.sendall(b"GET /health/live HT")
        assert b"HTTP/1.1 408 " in told(opened)


def test_a_body_that_does_not_come_is_not_waited_for(api):
    head = (
        b"POST /search HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with connect(api[0]) as opened:
        opened.sendall(head)
        answer = told(opened)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"timeout"' in answer
    assert b'"id":"' in answer


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"query": NaN}', b"null"])
def test_json_that_is_none_is_refused(api, body):
    headers = {"authorization": "Bearer a", "content-type": "application/json"}
    with http.client(f"http://127.0.0.1:{api[0]}", headers=headers) as client:
        answer = client.post("/search", content=body)

    assert answer.status_code in {400, 422}
    assert answer.json()["error"]["id"] in api[1].read_text()


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
)
def test_what_is_no_http_is_refused(api, nonsense):
    with connect(api[0]) as opened:
        opened.sendall(nonsense)
        answer = told(opened)

    assert answer[:12] in {b"", b"HTTP/1.1 400", b"HTTP/1.1 408"}
    assert alive(api[0])


def test_many_idle_connections_leave_room_and_are_closed(api):
    port = api[0]
    with ExitStack() as stack:
        idle = [stack.enter_context(connect(port)) for _ in range(400)]
        assert alive(port)
        begin = time.monotonic()
        closed = [told(each)[:12] for each in idle]

    assert {b"HTTP/1.1 408"} == set(closed)
    assert time.monotonic() - begin < 20


def test_memory_does_not_grow_with_heads_that_never_end(api):
    port, _, running = api

    def resident():
        status = Path(f"/proc/{running.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)

    before = resident()
    for _ in range(30):
        with connect(port) as opened, suppress(OSError):
            for _ in range(100):
                opened.sendall(b"x" * 65_536)

    assert resident() - before < 20_000
