# SPDX-License-Identifier: Apache-2.0
"""Every route of the model server for everybody: who may, what passes, and what is shown."""

import json
import time

import pytest
from sqlalchemy import select

from beast_ops.access.model import Scope
from beast_ops.access.rules import ModelRules
from beast_ops.access.schema import CHANGES, SCHEMA
from beast_ops.access.store import AccessStore, access_file
from beast_ops.database import Database
from beast_ops.gateway.permits import PERMITS
from tests.contract.gateway.conftest import HELD, MODELS, gateway

BLOB = "/api/blobs/sha256:" + "0a" * 32
READ, WRITE, ADMIN = "read", "write", "admin"
# Every route of Ollama 0.32 (server/routes.go), and the least scope; nothing if nobody may.
TABLE = {
    ("GET", "/"): READ,
    ("HEAD", "/"): READ,
    ("GET", "/api/version"): READ,
    ("HEAD", "/api/version"): READ,
    ("GET", "/api/tags"): READ,
    ("HEAD", "/api/tags"): READ,
    ("GET", "/api/ps"): READ,
    ("POST", "/api/show"): READ,
    ("POST", "/api/generate"): WRITE,
    ("POST", "/api/chat"): WRITE,
    ("POST", "/api/embed"): WRITE,
    ("POST", "/api/embeddings"): WRITE,
    ("POST", "/api/pull"): ADMIN,
    ("POST", "/api/push"): ADMIN,
    ("POST", "/api/create"): ADMIN,
    ("POST", "/api/copy"): ADMIN,
    ("DELETE", "/api/delete"): ADMIN,
    ("HEAD", BLOB): ADMIN,
    ("POST", BLOB): ADMIN,
    ("GET", "/api/status"): None,
    ("POST", "/api/me"): None,
    ("POST", "/api/signout"): None,
    ("GET", "/v1/models"): None,
    ("POST", "/v1/chat/completions"): None,
    ("POST", "/v1/messages"): None,
    ("POST", "/metrics"): None,
    ("GET", "/debug/pprof/"): None,
    ("POST", "/api/unknown"): None,
    ("GET", "/api/generate"): None,
    ("PUT", "/api/tags"): None,
    ("OPTIONS", "/api/tags"): None,
    ("GET", BLOB): None,
}
RANK = {None: 0, READ: 1, WRITE: 2, ADMIN: 3}
WHO = {"nobody": None, "looker": READ, "open-webui": WRITE, "worker": ADMIN}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("route", "least"), TABLE.items(), ids=lambda each: str(each)[:50])
def test_who_may_what(door, recorder, who, route, least):
    (method, path), body = route, {"model": "llama3.2"}
    token = None if who == "nobody" else door.token(who)
    with door.client(token) as client:
        answer = client.request(method, path, json=body if method in ("POST", "DELETE") else None)

    if who == "nobody":
        expected = 401
    elif least is None:
        expected = 404
    else:
        expected = 200 if RANK[WHO[who]] >= RANK[least] else 403
    assert expected == answer.status_code
    assert (expected == 200) is bool(recorder.asked)
    if expected != 200 and method != "HEAD":
        assert isinstance(answer.json()["error"], str)


def test_the_table_has_every_permit():
    assert {(method, path.decode()) for method, path in PERMITS} <= TABLE.keys()


@pytest.mark.parametrize("scope", Scope.__members__.values())
def test_a_token_that_was_made_may_what_its_scope_says(door, scope):
    if scope is Scope.METRICS:
        pytest.skip("no token of this scope is made")
    secret = door.make(f"made-{scope.word}", scope)
    routes = {"/api/show": 1, "/api/chat": 2, "/api/copy": 3}
    with door.client(secret) as client:
        found = {path: client.post(path, json={"model": "m"}).status_code for path in routes}

    assert {path: 200 if scope >= least else 403 for path, least in routes.items()} == found


def test_a_revoked_token_is_refused_at_once(door):
    secret = door.make("soon-gone")
    with door.client(secret) as client:
        assert 200 == client.get("/api/tags").status_code
        door.revoke("soon-gone")
        assert 401 == client.get("/api/tags").status_code


def test_nothing_of_who_asks_goes_on(door, recorder):
    headers = {
        "cookie": "__Host-beast=session",
        "x-forwarded-for": "10.0.0.1",
        "x-secret": "mine",
        "origin": "https://evil.test",
        "connection": "keep-alive, x-secret",
        "accept-encoding": "gzip",
    }
    with door.client(door.token("open-webui"), **headers) as client:
        answer = client.post("/api/show?token=token-of-open-webui", json={"model": "llama3.2"})

    ((method, path, sent, body),) = recorder.asked
    assert ("POST", "/api/show", b'{"model":"llama3.2"}') == (method, path, body)
    assert {
        *(b"host", b"accept", b"accept-encoding", b"connection", b"user-agent"),
        *(b"content-type", b"content-length"),
    } == {name for name, _ in sent}
    assert b"token-of" not in repr(sent).encode()
    assert not {"set-cookie", "location"} & {*answer.headers}
    assert "double" != answer.headers.get("server")


def test_no_token_and_no_question_is_in_the_log(door):
    secret = door.make("logged", Scope.ADMIN)
    with door.client(secret) as client:
        client.post("/api/chat", json={"model": "m", "prompt": "my-question"})
        client.post(f"/api/unknown?{secret}", json={})
        client.request("DELETE", "/api/delete", json={"model": "my-question"})
    with door.client("a-wrong-token") as client:
        client.get("/api/tags")
    said = door.log.read_text()

    assert "/api/unknown" in said  # it does log
    assert not [word for word in (secret, "a-wrong-token", "my-question") if word in said]


@pytest.mark.parametrize("path", ["/api/tags", "/api/ps"])
def test_only_models_that_a_token_may_use_are_listed(door, path):
    secret = door.make(f"held-list-{path[5:]}", Scope.READ, HELD)
    with door.client(secret) as client, door.client(door.token("looker")) as looker:
        shown = [each["name"] for each in client.get(path).json()["models"]]
        everything = [each["name"] for each in looker.get(path).json()["models"]]
        head = client.head("/api/tags")

    assert MODELS[:3] == shown
    assert MODELS == everything
    assert (200, b"") == (head.status_code, head.content)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "llama3.2"}, 200),
        ({"model": "LLAMA3.2:1b"}, 200),
        ({"name": "qwen3:8b"}, 200),
        ({"model": "secret"}, 403),
        ({"model": "qwen3"}, 403),
        ({"model": "llama3.2", "name": "secret"}, 403),
        ({"model": "llama3.2", "from": "secret"}, 403),
        ({"model": "x/../llama3.2"}, 403),
        ({}, 400),
        ({"model": ""}, 400),
        ({"model": None}, 400),
        ({"model": ["llama3.2"]}, 400),
        ({"model": "llama3.2", "Model": "secret"}, 400),
        ({"model": "llama3.2", "MODEL": "secret"}, 400),
        ('{"model": "llama3.2", "model": "secret"}', 400),
        ('{"model": "llama3.2", "m\\u006fdel": "secret"}', 400),
        ('{"model": "llama3.2"} {"model": "secret"}', 400),
        ("[" * 100_000, 400),
        ('{"model": NaN}', 400),
        ("", 400),
        (b"\xff\xfe", 400),
    ],
)
def test_a_token_uses_only_its_models_however_they_are_named(door, recorder, request, body, status):
    secret = door.make(f"held-{abs(hash(request.node.name))}", Scope.WRITE, HELD)
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    with door.client(secret) as client:
        answer = client.post("/api/generate", content=content)

    assert status == answer.status_code
    assert (status == 200) is bool(recorder.asked)
    if status != 200:
        assert isinstance(answer.json()["error"], str)


def test_a_token_asks_as_often_as_its_rule_says_and_others_go_on(door):
    secret = door.make("seldom", rules=ModelRules(None, 2))
    other = door.make("often")
    with door.client(secret) as client, door.client(other) as free:
        found = [client.post("/api/chat", json={"model": "m"}) for _ in range(3)]
        listed = client.get("/api/tags")
        others = free.post("/api/chat", json={"model": "m"})

    assert [200, 200, 429] == [each.status_code for each in found]
    assert 1 <= int(found[2].headers["retry-after"]) <= 60
    assert "2 times a minute" in found[2].json()["error"]
    assert (200, 200) == (listed.status_code, others.status_code)


def test_who_guesses_too_often_has_to_wait(tmp_path, recorder):
    with gateway(tmp_path / "root", recorder, guesses=3) as door:
        with door.client("wrong") as client:
            found = [client.get("/api/tags") for _ in range(5)]
        with door.client(door.token("looker")) as client:
            right = client.get("/api/tags")

    assert [401, 401, 401, 429, 429] == [each.status_code for each in found]
    assert int(found[3].headers["retry-after"]) > 500
    assert "www-authenticate" in found[0].headers
    assert 200 == right.status_code


def test_the_server_gets_no_more_at_once_than_it_shall(tmp_path, recorder):
    recorder.lines, recorder.gap = 1000, 0.05
    with gateway(tmp_path / "root", recorder, at_once=1) as door:
        token = door.token("open-webui")
        with (
            door.client(token) as client,
            client.stream("POST", "/api/chat", json={"model": "m"}) as first,
        ):
            lines = first.iter_lines()  # held, for it hangs up when it goes
            next(lines)
            with door.client(token) as second:
                busy = second.get("/api/tags")
        assert recorder.given_up.wait(5)
        recorder.lines = 1
        with door.client(token) as again:
            assert 200 == again.get("/api/tags").status_code

    assert (503, "2") == (busy.status_code, busy.headers["retry-after"])


def test_what_admins_change_is_on_record(door):
    secret = door.make("admin", Scope.ADMIN)
    with door.client(secret) as client:
        client.request("DELETE", "/api/delete", json={"model": "llama3.2"})
        client.post("/api/pull", json={"model": "llama3.2"})
        client.get("/api/tags")
    with door.client(door.token("looker")) as client:
        client.post("/api/pull", json={"model": "llama3.2"})
    found = rows(door, 2)

    assert [("DELETE", "/api/delete", 200), ("POST", "/api/pull", 200)] == [
        (row["method"], row["path"], row["status"]) for row in found
    ]
    assert {"127.0.0.1"} == {row["client"] for row in found}


def rows(door, count):
    wanted = select(CHANGES).where(CHANGES.c.who == "admin").order_by(CHANGES.c.id)
    for _ in range(100):
        with Database(access_file(door.data), SCHEMA) as database, database.reading() as table:
            found = [dict(row) for row in table.execute(wanted).mappings()]
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError("nothing is on record")


def test_the_last_use_is_told_to_who_makes_tokens(door):
    secret = door.make("used")
    with door.client(secret) as client:
        client.get("/api/tags")
    for _ in range(100):
        with Database(access_file(door.data), SCHEMA) as database:
            (found,) = [each for each in AccessStore(database).tokens() if each.name == "used"]
        if found.used is not None:
            return
        time.sleep(0.1)
    raise AssertionError("the use of the token was not told")
