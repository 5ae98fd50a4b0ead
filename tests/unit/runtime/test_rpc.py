# SPDX-License-Identifier: Apache-2.0
import socket
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from xmlrpc.client import Fault, dumps

import pytest

from beast_ops.errors import ServiceError, UnavailableError
from beast_ops.runtime.rpc import ALREADY_STARTED, LEAVING, Supervisor


@contextmanager
def answering(path, answer):
    """Answer every call on the Unix socket *path* with *answer*: bytes of a body, or a code."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answer if isinstance(answer, int) else 200)
            body = b"" if isinstance(answer, int) else answer
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

        def address_string(self):
            return "unix"

    with socketserver.UnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Supervisor(path, 1)
        finally:
            server.shutdown()
            thread.join()


def response(value):
    return dumps((value,), methodresponse=True).encode()


def fault(code):
    return dumps(Fault(code, "NO")).encode()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s"


def test_an_answer_is_read(path):
    with answering(path, response(42)) as server:
        assert 42 == server.presence()


def test_processes_are_read(path):
    known = {"name": "a", "statename": "RUNNING", "pid": 1, "start": 2, "now": 3, "spawnerr": ""}
    with answering(path, response([known])) as server:
        (info,) = server.processes()

    assert ("a", "RUNNING", 1, 2, 3, "") == (
        *(info.name, info.state, info.pid, info.started, info.now, info.complaint),
    )


def test_a_reload_tells_three_sets(path):
    with answering(path, response([[["a"], ["b"], ["c", "d"]]])) as server:
        assert ({"a"}, {"b"}, {"c", "d"}) == server.reload()


def test_what_is_already_so_is_no_failure(path):
    with answering(path, fault(ALREADY_STARTED)) as server:
        server.start("a")


def test_a_refusal_is_told_with_its_subject(path):
    with (
        answering(path, fault(10)) as server,
        pytest.raises(ServiceError, match="startProcess") as caught,
    ):
        server.start("a")

    assert caught.value.subject.startswith("a")


def test_one_on_its_way_out_is_told_from_one_that_is_not_there(path):
    assert Supervisor(path).presence() is None
    with answering(path, fault(6)) as server:
        assert LEAVING == server.presence()


@pytest.mark.parametrize("answer", [500, b"", b"<no xml", b"<methodResponse/>"])
def test_nonsense_is_no_answer(path, answer):
    with answering(path, answer) as server, pytest.raises(UnavailableError):
        server.processes()


def test_a_silent_socket_is_waited_for_no_longer_than_told(path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()

        assert Supervisor(path, 0.1).presence() is None


def test_a_path_that_is_too_long_is_no_answer(tmp_path):
    assert Supervisor(tmp_path / ("x" * 200)).presence() is None
