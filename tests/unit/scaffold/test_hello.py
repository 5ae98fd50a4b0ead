# SPDX-License-Identifier: Apache-2.0
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer

import pytest

from beast_ops.scaffold import hello


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as page:
            return page.status, page.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


@pytest.fixture
def served(tmp_path):
    """Run the service as supervisord does, and end it."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "beast_ops.scaffold.hello", "demo", str(port)],
        env={**os.environ, "BEAST_ROOT": str(tmp_path)}, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield process, port
    process.kill()
    process.communicate()


def test_it_answers_health_checks_and_nothing_else(served, tmp_path):
    process, port = served

    assert answer(port, "/healthz") == (200, b"ok\n")
    assert answer(port, "/") == (200, b"ok\n")
    assert answer(port, "/etc/passwd")[0] == 404
    assert (tmp_path / "run/demo.json").is_file()

    process.send_signal(signal.SIGTERM)
    _out, err = process.communicate(timeout=20)

    assert process.returncode == 0
    assert err == b""


@pytest.mark.parametrize(("path", "code"), [("/", 200), ("/healthz", 200), ("/other", 404)])
def test_each_page_has_its_code(path, code, capsys):
    with ThreadingHTTPServer(("127.0.0.1", 0), hello.Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        assert answer(server.server_port, path)[0] == code

        server.shutdown()
    assert capsys.readouterr().err == ""


def test_it_leaves_when_told_to():
    with pytest.raises(SystemExit) as left:
        hello._leave(15, None)

    assert left.value.code == 0


def test_it_listens_on_loopback_only(monkeypatch):
    bound = []

    class Server:
        def __init__(self, address, _handler):
            bound.append(address)

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

        def serve_forever(self):
            pass

    monkeypatch.setattr(hello, "ThreadingHTTPServer", Server)
    monkeypatch.setattr(hello, "settle", bound.append)
    monkeypatch.setattr(signal, "signal", lambda *_words: None)

    assert hello.main(["demo", "8111"]) == 0
    assert bound == ["demo", ("127.0.0.1", 8111)]
