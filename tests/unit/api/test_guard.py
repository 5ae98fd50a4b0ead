# SPDX-License-Identifier: Apache-2.0
import http.client

import pytest
from starlette.testclient import TestClient

from beast_ops.api.bodies import BODY_BYTES
from beast_ops.api.gate import Gate, Tokens
from beast_ops.api.guard import LIVE, Guard
from beast_ops.api.metrics import Figures
from beast_ops.api.names import Named
from beast_ops.api.rules import Rules
from beast_ops.errors import SettingsError

OPEN_PATHS = ("/docs", "/health/live", "/health/ready", "/openapi.json", "/redoc")
CLOSED = ("/health", "/collections", "/search", "/metrics", "/nope", "/docs/", "/health/live/")
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_open_routes_need_no_token(anyone, path):
    assert anyone.get(path).status_code == 200


@pytest.mark.parametrize("path", CLOSED)
def test_all_others_do(anyone, path):
    refused = anyone.get(path)

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer wrong",
        "Bearer the-toke",
        "Bearer the-token2",
        "Basic the-token",
        "the-token",
        "Bearer THE-TOKEN",
        "Bearer the-token the-token",
    ],
)
def test_only_the_whole_token_opens(anyone, header):
    assert anyone.get("/health", headers={"authorization": header}).status_code == 401


def test_the_scheme_may_be_written_as_one_likes(anyone):
    headers = {"authorization": "bEaReR the-token"}

    assert anyone.get("/collections", headers=headers).status_code == 200


def test_a_token_in_the_address_opens_nothing(anyone):
    assert anyone.get("/collections?token=the-token&access_token=the-token").status_code == 401


def test_each_token_opens_its_own_doors_only(stack, client):
    with stack.client("the-metrics-token") as metrics:
        assert metrics.get("/metrics").status_code == 200
        assert metrics.get("/health").status_code == 403
    assert client.get("/metrics").status_code == 403


def test_tokens_are_not_shown():
    assert "s3cret" not in repr(Tokens(b"s3cret", b"s3cret2"))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8787", 200),
        ("localhost:1", 200),
        ("LocalHost", 200),
        ("localhost.", 200),
        ("[::1]:8787", 200),
        ("beast.example", 200),
        ("beast.example:443", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("evil.example:127.0.0.1", 403),
        ("127.0.0.1@evil.example", 403),
        ("127.0.0.2", 403),
        ("", 403),
        ("localhost:port", 403),
        ("\xff", 403),
    ],
)
@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_only_our_names_are_answered(stack, host, status, path):
    assert status == raw(stack, path, [("host", host)])


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_two_host_headers_are_none(stack, path):
    assert raw(stack, path, [("host", "localhost"), ("host", "evil.example")]) == 403


def raw(stack, path, headers):
    connection = http.client.HTTPConnection(stack.address.removeprefix("http://"), timeout=5)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in headers:
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@pytest.mark.parametrize("path", [*OPEN_PATHS, "/nope", "/session"])
def test_every_answer_is_dressed(client, path):
    headers = client.get(path).headers

    assert HEADERS.items() <= dict(headers).items()
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


def test_other_origins_get_no_permission(client):
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    preflight = client.options("/search", headers=asked)
    answer = client.get("/collections", headers=asked)

    for found in (preflight, answer):
        assert not [name for name in found.headers if name.startswith("access-control-")]
    assert preflight.status_code == 405


def test_a_body_that_announces_too_much_is_not_read(stack):
    connection = http.client.HTTPConnection(stack.address.removeprefix("http://"), timeout=5)
    connection.putrequest("POST", "/search")
    connection.putheader("authorization", "Bearer the-token")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(10**12))
    connection.endheaders()
    answer = connection.getresponse()

    assert answer.status == 413
    assert answer.headers["connection"] == "close"
    connection.close()


def test_a_body_that_becomes_too_much_is_cut_off(client):
    def endless():
        yield b'{"query": "'
        for _ in range(BODY_BYTES // 1000 + 2):
            yield b"x" * 1000

    refused = client.post("/search", content=endless(), headers=JSON)

    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "too_large"


def test_a_length_that_is_no_number_is_refused(stack):
    import socket

    host, port = stack.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as opened:
        opened.sendall(
            b"POST /search HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer the-token\r\n"
            b"Content-Length: many\r\n\r\n"
        )
        assert b" 400 " in opened.recv(1000).split(b"\r\n")[0]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(client, kind):
    refused = client.post("/search", content=b'{"query": "x"}', headers={"content-type": kind})

    assert refused.status_code == 415


def test_json_may_name_its_encoding(client):
    headers = {"content-type": "Application/JSON; charset=utf-8"}

    assert client.post("/search", content=b'{"query": "cats"}', headers=headers).status_code == 200


@pytest.mark.parametrize("path", [LIVE, "/search", "/health/ready"])
def test_settings_that_broke_are_refused_in_the_one_shape(path):
    def broken():
        raise SettingsError("port: not a number", subject="/r/settings.json")

    async def unreached(*_):
        raise AssertionError("the guard let it through")

    named = Named(broken, broken)
    guard = Guard(unreached, Gate(Tokens(b"a", b"b")), Rules([]), named, Figures().requests)

    refused = TestClient(guard).get(path)

    assert 503 == refused.status_code
    assert "unavailable" == refused.json()["error"]["code"]
    assert "/r/" not in refused.text
    assert "nosniff" == refused.headers["x-content-type-options"]
