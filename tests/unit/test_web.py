# SPDX-License-Identifier: Apache-2.0
"""Pages are fetched from real servers on this machine, which are allowed by their address alone."""

import gzip
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from beast_ops.addresses import networks
from beast_ops.errors import DocumentError, UsageError
from beast_ops.web import Web, WebLimits, judged

ALLOWED = networks(["127.0.0.1/32"])
OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n"


class Server:
    """Answers every request by what a function writes; remembers what was asked."""

    def __init__(self, address="127.0.0.1", port=0):
        self.socket = socket.create_server((address, port))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://{address}:{self.port}"
        self.asked: list[str] = []
        self.answers: dict[str, object] = {}

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                request = b""
                while b"\r\n\r\n" not in request:
                    if not (more := connection.recv(65536)):
                        return
                    request += more
                self.asked.append(request.decode())
                path = request.split()[1].decode()
                answer = self.answers.get(path, b"HTTP/1.1 404 Gone\r\ncontent-length: 0\r\n\r\n")
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    answer(connection)
            except OSError:
                pass  # the other side had enough

    def redirect(self, path, there):
        self.answers[path] = (
            f"HTTP/1.1 302 Found\r\nlocation: {there}\r\ncontent-length: 0\r\n\r\n".encode()
        )


@contextmanager
def serving(address="127.0.0.1", port=0):
    server = Server(address, port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()
        thread.join(5)


@pytest.fixture
def server():
    with serving() as found:
        found.answers["/"] = OK + b"content-length: 5\r\n\r\nhello"
        yield found


@pytest.fixture
def web():
    with Web(ALLOWED, WebLimits(size=1 << 20, seconds=5)) as found:
        yield found


def refused(web, url):
    with pytest.raises(DocumentError) as failed:
        web.get(url)
    return str(failed.value)


def test_a_page_comes_with_what_its_site_says_of_it(web, server):
    answer = web.get(f"{server.url}#part")

    assert (200, b"hello", f"{server.url}/") == (answer.status, answer.content, answer.url)
    assert "text/plain" == answer.headers["content-type"]
    assert "user-agent: ai-beast\r\n" in server.asked[0].lower()


LOOPBACK = "127.0.0.1 localhost 2130706433 0x7f000001 017700000001 127.1 [::1] [::ffff:127.0.0.1] 0"


@pytest.mark.parametrize("host", LOOPBACK.split())
def test_this_machine_is_not_reached_by_any_spelling(server, host):
    with Web() as web:
        assert "not public" in refused(web, f"http://{host}:{server.port}/")
    assert [] == server.asked


def test_a_redirect_leads_nowhere_inside(web, server):
    with serving("127.0.0.2", server.port) as inner:
        server.redirect("/go", f"http://127.0.0.2:{server.port}/")
        assert "not public" in refused(web, f"{server.url}/go")
        assert [] == inner.asked
    for there in (
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://u:p@127.0.0.1/",
    ):
        server.redirect("/go", there)
        assert "redirected wrongly" in refused(web, f"{server.url}/go")


def test_a_redirect_to_nonsense_is_told(web, server):
    server.redirect("/go", "http://[::1")
    assert "cannot be fetched" in refused(web, f"{server.url}/go")


def test_redirects_are_followed_and_end(web, server):
    server.redirect("/a", "/b")
    server.redirect("/b", "/")
    server.redirect("/loop", "/loop")

    assert f"{server.url}/" == web.get(f"{server.url}/a").url
    before = len(server.asked)
    assert "again and again" in refused(web, f"{server.url}/loop")
    assert 6 == len(server.asked) - before


def test_a_name_that_changes_its_address_is_checked_each_time(server):
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["8.8.8.8", "127.0.0.1"]]
    asked = []

    def resolve(host, _port):
        asked.append(host)
        return answers[len(asked) - 1]

    url = f"http://page.example:{server.port}/"
    with Web(ALLOWED, resolve=resolve) as web:
        assert b"hello" == web.get(url).content
        assert "not public" in refused(web, url)
        assert "not public" in refused(web, url)
    assert 3 == len(asked)  # what was checked is what is connected to, without asking again
    assert f"host: page.example:{server.port}\r\n" in server.asked[0].lower()
    with Web(resolve=resolve) as web:
        assert "not public" in refused(web, url)


def test_where_a_connection_leads_in_the_end_is_checked_too(server, monkeypatch):
    import httpcore

    connect = httpcore.SyncBackend.connect_tcp

    def elsewhere(self, _host, port, *rest):
        return connect(self, "127.0.0.1", port, *rest)

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", elsewhere)
    with Web(resolve=lambda *_: ["93.184.215.14"]) as web:
        assert "not public" in refused(web, f"http://page.example:{server.port}/")
    assert [] == server.asked


def test_a_name_that_is_never_resolved_or_unknown_is_told():
    def unknown(*_):
        raise socket.gaierror("unknown")

    with Web(resolve=unknown) as web:
        assert "no address" in refused(web, "http://page.example/")
    with Web(limits=WebLimits(seconds=0.2), resolve=lambda *_: time.sleep(1) or []) as web:
        assert "too long" in refused(web, "http://page.example/")


ODD = "http://user:pass@x.org/ http://user@x.org/ file:///etc/passwd ftp://x.org/ https:// x.org"


@pytest.mark.parametrize("url", [*ODD.split(), "http://[::1"])
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(UsageError) as wrong:
        judged(url)
    assert "pass" not in wrong.value.subject.replace("passwd", "")


def _endless(connection):
    connection.sendall(OK + b"\r\n")
    for _ in range(1000):
        connection.sendall(b"x" * 65536)


def _dripping(connection):
    connection.sendall(OK + b"\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.1)


def _dripping_headers(connection):
    for sign in OK * 100:
        connection.sendall(bytes([sign]))
        time.sleep(0.1)


def _silent(connection):
    connection.recv(1)


def test_a_page_without_end_is_cut_off(web, server):
    server.answers["/"] = _endless
    assert "it has more than 1 MiB" == refused(web, f"{server.url}/")


@pytest.mark.parametrize("answer", [_dripping, _dripping_headers, _silent])
def test_a_page_that_trickles_in_is_given_up(server, answer):
    server.answers["/"] = answer
    begun = time.monotonic()
    with Web(ALLOWED, WebLimits(seconds=1)) as web:
        assert "it took too long" == refused(web, f"{server.url}/")
    assert time.monotonic() - begun < 3


def test_what_is_packed_is_unpacked_up_to_the_limit(web, server):
    def packed(data):
        return OK + b"content-encoding: gzip\r\n\r\n" + data

    server.answers["/fine"] = packed(gzip.compress(b"hello" * 1000))
    server.answers["/bomb"] = packed(gzip.compress(bytes(1 << 30), 1))
    server.answers["/torn"] = packed(gzip.compress(b"hello" * 1000)[:-20])
    server.answers["/odd"] = OK + b"content-encoding: br\r\n\r\nx"

    assert b"hello" * 1000 == web.get(f"{server.url}/fine").content
    assert "more than 1 MiB" in refused(web, f"{server.url}/bomb")
    assert "damaged" in refused(web, f"{server.url}/torn")
    assert "'br'" in refused(web, f"{server.url}/odd")


def test_what_is_no_http_is_told(web, server):
    server.answers["/"] = b"SSH-2.0-OpenSSH\r\n"
    assert "cannot be fetched" in refused(web, f"{server.url}/")
    assert "cannot be fetched" in refused(web, "http://127.0.0.1:1/")


def test_who_may_object_is_asked_before_each_step(web, server):
    server.redirect("/a", "/")
    asked = []

    def may(url):
        asked.append(url)
        if url.endswith(f"{server.port}/"):
            raise DocumentError("no")

    with pytest.raises(DocumentError, match="no"):
        web.get(f"{server.url}/a", may)
    assert [f"{server.url}/a", f"{server.url}/"] == asked
    assert 1 == len(server.asked)


def test_cookies_and_proxies_are_none_of_ours(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.answers["/"] = OK + b"set-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
    with Web(ALLOWED) as web:
        web.get(f"{server.url}/")
        web.get(f"{server.url}/")
    assert not any("cookie" in each.lower() for each in server.asked)


def test_a_site_that_closes_each_connection_is_asked_all_the_same(server):
    def once(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        connection.recv(65536)  # a second request on it has no answer

    server.answers["/"] = once
    with Web(ALLOWED) as web:
        for _ in range(3):
            assert b"hello" == web.get(f"{server.url}/").content
