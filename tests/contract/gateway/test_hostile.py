# SPDX-License-Identifier: Apache-2.0
"""Peers who hide what they ask, send without end, take nothing, or hang up; and a bad server."""

import itertools
import json
import select
import socket
import time

import pytest

from beast_ops import http
from beast_ops.testing import free_port
from tests.contract.gateway import conftest
from tests.contract.gateway.conftest import HELD, Recorder, gateway

BLOB = "/api/blobs/sha256:" + "0a" * 32
SHOWN = b"Authorization: Bearer token-of-open-webui"
WHOLE = b'{"model":"llama3.2"}'


def raw(door, data, *, seconds=10):
    """Return all that comes back for *data* until the connection is closed."""
    found = b""
    with socket.create_connection(("127.0.0.1", door.port), timeout=seconds) as opened:
        opened.sendall(data)
        while True:
            try:
                piece = opened.recv(1 << 16)
            except ConnectionResetError:
                return found
            if not piece:
                return found
            found += piece


def endless(door, asked):
    """Return what is answered to a body that does not end, sent until there is an answer."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as opened:
        opened.sendall(asked)
        for _ in range(1000):
            if select.select([opened], [], [], 0.01)[0]:
                found = opened.recv(1 << 16)
                while not found.endswith(b"}"):
                    found += opened.recv(1 << 16)
                return found
            opened.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    raise AssertionError("it takes everything")


def head(door, line, *lines, who="open-webui"):
    shown = f"Authorization: Bearer {door.token(who)}"
    said = [line, "Host: x", shown, "Connection: close", *lines]
    return "\r\n".join([*said, "", ""]).encode()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "//api/pull",
            "/api//pull",
            "/api/pull/",
            "/api/./pull",
            "/api/show/../pull",
            "/API/PULL",
        ),
        *(
            "/api/pu%6cl",
            "/api%2fpull",
            "/api/tags/..%2fpull",
            "/api/pull;x",
            "/api/tags%00",
            "/%2e",
        ),
        *("/api/pull%20", "\\api\\pull", "/api/blobs/sha256:00", f"{BLOB}/", f"{BLOB}0"),
        *("/api/blobs/sha256:" + "0A" * 32, "/api/blobs/../pull", "/health/live/../../api/pull"),
    ],
)
@pytest.mark.parametrize("who", ["open-webui", "worker"])
def test_a_path_is_what_it_says_or_nothing(door, recorder, path, who):
    asked = head(door, f"POST {path} HTTP/1.1", f"Content-Length: {len(WHOLE)}", who=who) + WHOLE
    answer = raw(door, asked)

    assert answer.split(b" ")[1] in (b"400", b"404"), answer[:200]
    assert [] == recorder.asked


def test_what_no_server_is_sent_hides_nothing(door, recorder):
    """A fragment is cut off before a path is looked at."""
    length = f"Content-Length: {len(WHOLE)}"
    answer = raw(door, head(door, "POST /api/pull#/api/show HTTP/1.1", length) + WHOLE)

    assert b"403" == answer.split(b" ")[1]
    assert [] == recorder.asked


def test_a_whole_address_leads_to_the_model_server_alone(door, recorder):
    answer = raw(door, head(door, "GET http://169.254.169.254/api/tags HTTP/1.1"))

    assert b"200" == answer.split(b" ")[1]
    assert ["/api/tags"] == [path for _, path, _, _ in recorder.asked]


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Transfer-Encoding: chunked", "Content-Length: 4"], b"0\r\n\r\n"),
        (["Content-Length: 4", "Content-Length: 40"], WHOLE),
        (["Content-Length: +20"], WHOLE),
        (["Content-Length: 0x14"], WHOLE),
        (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n"),
        (["Content-Length : 20"], WHOLE),
    ],
)
def test_nothing_is_smuggled_behind_a_body(door, recorder, lines, body):
    hidden = head(door, "DELETE /api/delete HTTP/1.1", "Content-Length: 20", who="looker") + WHOLE
    raw(door, head(door, "POST /api/show HTTP/1.1", *lines) + body + hidden)

    assert {"/api/show"} >= {path for _, path, _, _ in recorder.asked}
    assert [] == [path for method, path, _, _ in recorder.asked if method == "DELETE"]


@pytest.mark.parametrize(
    "shown",
    [
        ["Authorization: Bearer token-of-looker", "Authorization: Bearer token-of-worker"],
        ["Authorization: Bearer token-of-looker, Bearer token-of-worker"],
        ["Authorization: Basic token-of-worker"],
        ["Authorization: Bearer"],
        ["Authorization: token-of-worker"],
        ["X-Api-Key: token-of-worker"],
        ["Cookie: beast=token-of-worker"],
        ["X-Beast-User: worker", "X-Beast-Scope: admin"],
    ],
)
def test_a_token_is_shown_in_one_way_alone(door, recorder, shown):
    asked = ["GET /api/tags HTTP/1.1", "Host: x", "Connection: close", *shown, "", ""]
    answer = raw(door, "\r\n".join(asked).encode())

    assert b"401" == answer.split(b" ")[1]
    assert [] == recorder.asked


def test_a_body_too_large_is_refused_before_it_comes(door, recorder):
    announced = raw(door, head(door, "POST /api/chat HTTP/1.1", "Content-Length: 2000000"))
    unending = endless(door, head(door, "POST /api/chat HTTP/1.1", "Transfer-Encoding: chunked"))
    number = raw(door, head(door, "POST /api/chat HTTP/1.1", f"Content-Length: {'9' * 18}"))

    for answer in (announced, unending, number):
        assert b"413" == answer.split(b" ")[1]
        assert "bytes" in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert [] == recorder.asked


def test_a_large_question_passes_whole(door, recorder):
    body = {"model": "llama3.2", "images": ["A" * 900_000]}
    with door.client(door.token("open-webui")) as client:
        assert 200 == client.post("/api/generate", json=body).status_code

    assert body == json.loads(recorder.asked[0][3])


def test_a_file_of_a_model_goes_on_as_it_comes_and_not_without_end(door, recorder):
    data = b"\x00\xff" * 1_000_000
    with door.client(door.token("worker")) as client:
        good = client.post(BLOB, content=data)
        pieces = client.post(BLOB, content=iter([data[:5], data[5:]]))
    large = raw(door, head(door, f"POST {BLOB} HTTP/1.1", "Content-Length: 5000000", who="worker"))
    chunks = "Transfer-Encoding: chunked"
    unending = endless(door, head(door, f"POST {BLOB} HTTP/1.1", chunks, who="worker"))

    assert [200, 200] == [good.status_code, pieces.status_code]
    assert [data, data] == [body for _, _, _, body in recorder.asked[:2]]
    assert [b"413", b"413"] == [each.split(b" ")[1] for each in (large, unending)]


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /api/chat HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n" + SHOWN + b"\r\n\r\n{",
    ],
)
def test_who_sends_too_slowly_is_let_go(door, recorder, begun):
    since = time.monotonic()
    answer = raw(door, begun)

    assert b"408" == answer.split(b" ")[1]
    assert isinstance(json.loads(answer.partition(b"\r\n\r\n")[2])["error"], str)
    assert time.monotonic() - since < 8
    assert "/api/chat" not in [path for _, path, _, _ in recorder.asked]


def test_a_head_too_large_is_refused_in_the_servers_shape(door):
    answer = raw(door, head(door, "GET /api/tags HTTP/1.1", "X-Much: " + "x" * 60_000))

    assert b"431" == answer.split(b" ")[1]
    assert isinstance(json.loads(answer.partition(b"\r\n\r\n")[2])["error"], str)


def test_a_stream_comes_as_it_is_made(door, recorder):
    recorder.lines, recorder.gap = 4, 0.4
    with (
        door.client(door.token("open-webui")) as client,
        client.stream("POST", "/api/chat", json={"model": "m"}) as answer,
    ):
        assert "application/x-ndjson" == answer.headers["content-type"]
        came = [time.monotonic() for _ in answer.iter_lines()]

    assert 4 == len(came)
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(came))


def test_who_hangs_up_ends_the_work_of_the_server(door, recorder):
    recorder.lines, recorder.gap = 1000, 0.05
    with (
        door.client(door.token("open-webui")) as client,
        client.stream("POST", "/api/chat", json={"model": "m"}) as answer,
    ):
        next(answer.iter_lines())

    assert recorder.given_up.wait(5)
    assert recorder.sent < 100


def test_who_takes_nothing_holds_the_server_back_and_then_ends_its_work(door, recorder):
    recorder.lines, recorder.way = 400, "huge"
    body = b'{"model":"m"}'
    asked = head(door, "POST /api/chat HTTP/1.1", f"Content-Length: {len(body)}") + body
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as opened:
        opened.sendall(asked)
        assert opened.recv(100)
        assert recorder.given_up.wait(20)

    assert recorder.sent < 60  # of 400 MB; what lies in buffers was made, and no more


def test_a_stream_that_breaks_off_ends_with_a_line_that_says_so(door, recorder):
    recorder.way = "half"
    with door.client(door.token("open-webui")) as client:
        answer = client.post("/api/chat", json={"model": "m"})

    *lines, last = answer.text.splitlines()
    assert 3 == len(lines)
    assert {"error": "the model server does not answer"} == json.loads(last)


@pytest.mark.parametrize(
    ("way", "says"), [("away", "sends elsewhere"), ("garbage", "does not answer like one")]
)
def test_a_server_that_is_none_is_told_of(door, recorder, way, says):
    secret = door.make(f"held-{way}", rules=HELD)
    recorder.way = way
    with door.client(secret) as client:
        answer = client.get("/api/tags")

    assert 502 == answer.status_code
    assert says in answer.json()["error"]
    assert "location" not in answer.headers


def test_without_a_server_it_says_so_and_lives(tmp_path):
    away = Recorder(url=f"http://127.0.0.1:{free_port()}")
    with (
        gateway(tmp_path / "root", away) as door,
        door.client(door.token("open-webui")) as client,
    ):
        answer = client.post("/api/chat", json={"model": "m"})
        alive = client.get("/health/live")

    assert (502, 200) == (answer.status_code, alive.status_code)
    assert {"error": "the model server does not answer"} == answer.json()


def test_it_does_not_start_without_the_tokens_it_is_told_of(tmp_path, recorder, monkeypatch):
    monkeypatch.setitem(conftest.CLIENTS, "new-one", "write")
    real = conftest.an_installation

    def without(folder, *services, secrets):
        return real(folder, *services, secrets={k: v for k, v in secrets.items() if "new" not in k})

    monkeypatch.setattr(conftest, "an_installation", without)
    with (
        pytest.raises(AssertionError, match="cannot read a secret"),
        gateway(tmp_path / "root", recorder),
    ):
        pass


def test_many_who_wait_leave_room_for_others(door):
    idle = [socket.create_connection(("127.0.0.1", door.port), timeout=5) for _ in range(200)]
    try:
        with http.client(door.address, seconds=5) as client:
            assert 200 == client.get("/health/live").status_code
    finally:
        for each in idle:
            each.close()
