# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked: an answer, or a clear refusal of one shape; never a fault of ours."""

import json
import os
import socket
from uuid import uuid4

import pytest

from tests.e2e import knowledge
from tests.e2e.knowledge import api, ingest, told
from tests.e2e.stack import paragraph

COLLECTION = f"queries-{uuid4().hex[:8]}"
JOB = "0" * 32
REFUSED = range(400, 500)
STRANGE = {
    "sql": "'; DROP TABLE documents; --",
    "json": '{"$ne": null}',
    "regex": "(a+)+$ [^] \\ .* ?",
    "emoji": "🐘🎉 ✨",
    "right to left": "\u202e\u0645\u0631\u062d\u0628\u0627\u202c \u05e9\u05dc\u05d5\u05dd",
    "stop words": "the of and is",
    "one letter": "x",
    "html": "<script>alert(1)</script>",
    "format": "%s %n {0} {{x}} ${HOME}",
    "paths": "../../etc/passwd",
    "percent": "%00%ff%2e",
    "quotes": "\"unbalanced 'quotes`",
    "control characters inside": "sleep\x01\x02\x1b[31mcats\x7f",
    "NUL inside": "sleeping\x00cats",
    "eight thousand characters": "cats " * 1600,
    "one long word": "x" * 7999,
    "combining": "e" + "\u0301" * 500,
    "dashes": "--help -x --",
}
REFUSALS = {
    "empty": "",
    "spaces": "   \t\n ",
    "nothing but control characters": "\x00\x01\x02\x7f",
    "a hundred thousand characters": "a" * 100_000,
    "not text": "half \ud800 a pair",
}


@pytest.fixture(scope="module", autouse=True)
def filled(_running, tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    (folder / "cats.md").write_text("# Cats\n\nCats sleep most of the day.\n")
    told(ingest(_running, folder, collection=COLLECTION))
    return folder


@pytest.fixture
def client(stack):
    with knowledge.quiet(stack), api(stack) as made:
        yield made


def ask(client, **body):
    """Search, with escapes where JSON needs them."""
    raw = json.dumps({"collection": COLLECTION, **body}).encode()
    return client.post("/search", content=raw, headers={"content-type": "application/json"})


def refusal(answer, *codes):
    """Assert that an answer is a refusal of the one shape; return its error."""
    assert answer.status_code in (codes or REFUSED), answer.text
    assert ["error"] == list(answer.json()), answer.text
    error = answer.json()["error"]
    assert {"code", "message", "hint", "id"} == set(error), error
    assert all(isinstance(said, str) and said for said in error.values()), error
    return error


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_query_is_answered(client, name):
    answer = ask(client, query=STRANGE[name])

    assert 200 == answer.status_code, answer.text
    assert isinstance(answer.json()["hits"], list)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_query_of_nothing_or_too_much_is_refused(client, name):
    error = refusal(ask(client, query=REFUSALS[name]), 400, 413, 422)

    assert "query" in error["message"]


@pytest.mark.parametrize("name", ["control characters inside", "NUL inside"])
def test_control_characters_count_as_spaces(client, name):
    hits = ask(client, query=STRANGE[name]).json()["hits"]

    assert ["Cats sleep" in hit["text"] for hit in hits] == [True]


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0}, {"limit": -1}, {"limit": 10**9}, {"limit": 1.5}, {"limit": "ten"},
        {"limit": 10**400}, {"source": ""}, {"source": 5}, {"source": "x" * 5000}, {"type": []},
        {"type": ""}, {"collection": ""}, {"collection": "../docs"}, {"collection": "a/b"},
        {"collection": 7}, {"unknown": True}, {"query": None}, {"query": 5}, {"query": ["cats"]},
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused_and_named(client, body):
    error = refusal(ask(client, **{"query": "cats", **body}), 422)

    assert next(iter(body)) in error["message"]


@pytest.mark.parametrize(
    "source", ["/nowhere", "file://other/x", "*.exe", "[", "**", "a\u0000b", "\\", "🐘"]
)
def test_a_filter_that_fits_nothing_is_an_empty_answer(client, source):
    answer = ask(client, query="cats", source=source)

    if answer.status_code != 200:
        refusal(answer, 422)
    elif source != "**":
        assert [] == answer.json()["hits"]


def test_an_unknown_collection_is_not_found(client):
    assert "unknown" not in refusal(ask(client, query="cats", collection="nowhere"), 404)["code"]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b'"cats"', b"\xff\xfe", b'{"query": "cats"', b"[" * 100_000]
)
def test_a_body_that_is_no_question_is_refused(client, raw):
    for path in ("/search", "/ingest"):
        refusal(
            client.post(path, content=raw, headers={"content-type": "application/json"}), 400, 422
        )


def test_another_content_type_is_refused(client):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        raw = json.dumps({"query": "cats", "collection": COLLECTION}).encode()
        refusal(client.post("/search", content=raw, headers={"content-type": kind}), 415, 422)


def test_a_body_too_large_is_refused(client):
    refusal(ask(client, query="cats", source="x" * (2 << 20)), 413)


@pytest.mark.parametrize("token", ["", "wrong", "Bearer", "Bearer wrong", "Basic d3Jvbmc6", "é"])
def test_without_the_token_nothing_is_told(stack, token):
    for path in ("/search", "/ingest", "/collections", "/metrics", f"/ingest/{JOB}"):
        with knowledge.http.client(stack.api) as stranger:
            answer = stranger.post(path, headers={"authorization": token.encode()})

        assert answer.status_code in (401, 405), (path, answer.text)
        if answer.status_code == 401:
            refusal(answer, 401)
            assert "Bearer" in answer.headers["www-authenticate"]


def test_another_host_name_is_refused(client):
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "a b"):
        answer = client.get("/collections", headers={"host": host})

        assert answer.status_code in REFUSED, host


def test_raw_nonsense_on_the_wire_harms_nothing(client, stack):
    port = stack.settings["beast_api_port"]
    for raw in (
        b"\x00\x01\x02\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
        b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):  # fmt: skip
        with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
            wire.sendall(raw)
            wire.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: wire.recv(4096), b""))
        assert b"HTTP/1.1 5" not in answer

    assert 200 == ask(client, query="cats").status_code


# Uploads


def manifest(*names, collection=COLLECTION):
    """Return a manifest of small documents that nobody knows yet."""
    return {
        "collection": collection,
        "documents": [
            {"source": f"file://test/{name}", "size": 5, "mtime_ns": 1} for name in names
        ],
    }


@pytest.fixture
def job(client):
    """Return a job that waits for one document."""
    opened = client.post("/ingest", json=manifest("unsent.md")).json()
    yield opened["job"]
    client.delete(f"/ingest/{opened['job']}")


@pytest.mark.parametrize(
    "index",
    [
        "1", "-1", "99999999999999999999", "0.5", "zero", "..", "../0", "%2e%2e%2f0", "0/../../x",
        "..%2f..%2f..%2fetc%2fpasswd", "0%00", "manifest.json", "",
    ],
)  # fmt: skip
def test_only_documents_of_the_manifest_are_taken(client, stack, job, index):
    before = files(stack)

    refusal(client.put(f"/ingest/{job}/documents/{index}", content=b"hello"))

    assert files(stack) <= before  # jobs of other tests may be cleared away meanwhile


def files(stack):
    """Return all files of the installation that could be uploads gone astray."""
    kept = ("sqlite", "vectors/")
    return {
        str(path) for path in stack.root.rglob("*")
        if path.is_file() and not any(each in str(path) for each in kept)
    }  # fmt: skip


@pytest.mark.parametrize("name", [JOB, "%2e%2e", "x" * 300, "a%2fb", "'; --", "🐘"])
def test_an_unknown_job_is_not_found(client, name):
    for method, path in (
        ("GET", ""), ("DELETE", ""), ("POST", "/start"), ("PUT", "/documents/0"),
    ):  # fmt: skip
        refusal(client.request(method, f"/ingest/{name}{path}"), 404, 405, 422)


def test_a_job_that_ended_takes_nothing_more(client, job):
    client.put(f"/ingest/{job}/documents/0", content=b"hello")
    client.post(f"/ingest/{job}/start")
    knowledge.wait_for(lambda: client.get(f"/ingest/{job}").json()["state"] == "done", 30)

    refusal(client.put(f"/ingest/{job}/documents/0", content=b"again"), 409)
    refusal(client.post(f"/ingest/{job}/start"), 409)
    refusal(client.post(f"/ingest/{job}/documents/0/skip", json={"reason": "no"}), 409)
    refusal(client.delete(f"/ingest/{job}"), 409)


@pytest.mark.parametrize(
    "body",
    [
        {"documents": [{"source": "/etc/passwd", "size": 1, "mtime_ns": 1}]},
        {"documents": [{"source": "ftp://test/a", "size": 1, "mtime_ns": 1}]},
        {"documents": [{"source": "file://test/a", "size": -1, "mtime_ns": 1}]},
        {"documents": [{"source": "file://test/a", "size": 1, "mtime_ns": 10**40}]},
        {"documents": [{"source": "file://test/a", "size": 10**40, "mtime_ns": 1}]},
        {"documents": [{"source": "file://test/" + "a" * 20_000, "size": 1, "mtime_ns": 1}]},
        {"documents": "all"}, {"documents": [], "collection": "../x"},
        {"documents": [], "folders": ["/"]}, {"documents": [], "more": 1}, {},
    ],
)  # fmt: skip
def test_a_wrong_manifest_is_refused(client, body):
    refusal(client.post("/ingest", json=body), 422)


@pytest.mark.parametrize(
    "name", ["nowhere", "..", "/etc", "../../etc", "", "x" * 300, "a\u0000b", "papers/../.."]
)
def test_only_declared_folders_are_read(client, name):
    refusal(client.post("/ingest", json={"folder": name}), 404, 422)


@pytest.mark.long
def test_a_declared_folder_is_read_but_nothing_that_links_lead_to_outside(stack, tmp_path):
    folder, outside = tmp_path / "declared", tmp_path / "outside"
    for made in (folder, outside):
        made.mkdir()
    (folder / "inside.md").write_text("# Inside\n\nHedgehogs are here.\n")
    (outside / "secret.md").write_text("# Outside\n\nBadgers are elsewhere.\n")
    (folder / "file.md").symlink_to(outside / "secret.md")
    (folder / "token.txt").symlink_to(stack.root / "secrets/beast-api/token")
    (folder / "folder").symlink_to(outside)
    (tmp_path / "into root").symlink_to(stack.root / "secrets")
    (tmp_path / "around root").symlink_to(stack.root.parent)
    names = {"papers": folder, "inward": tmp_path / "into root", "around": tmp_path / "around root"}
    where = {"collection": f"{COLLECTION}-declared"}
    stack.deploy(beast_api_folders=json.dumps({name: str(path) for name, path in names.items()}))
    try:
        with api(stack) as client:
            for name in ("inward", "around"):
                refusal(client.post("/ingest", json={"folder": name, **where}), 400, 404, 422)
            job = client.post("/ingest", json={"folder": "papers", **where}).json()["job"]
            state = knowledge.wait_for(lambda: ended(client, job), 60)
    finally:
        stack.deploy(beast_api_folders="{}")

    lines = {line["path"]: line["ok"] for line in state["result"]["results"]}
    assert lines[str(folder / "inside.md")]
    assert not [path for path, ok in lines.items() if ok and not path.endswith("/inside.md")]
    assert {str(folder / "inside.md")} == knowledge.sources(
        knowledge.search(stack, "hedgehogs badgers inside outside secret token", **where)
    )


def ended(client, job):
    """Return the state of a job once it has ended."""
    found = client.get(f"/ingest/{job}").json()
    return found if found["state"] in {"done", "failed", "cancelled"} else None


# The command


@pytest.mark.parametrize("query", ["-x", "--nothing", "-", "-rf /", "🐘", "'; DROP TABLE x; --"])
def test_the_command_takes_any_query(stack, query):
    done = stack.must("search", query, "--collection", COLLECTION)

    assert "Traceback" not in done.err
    assert done.out.strip()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["", "--collection", COLLECTION], 64),
        (["  \t ", "--collection", COLLECTION], 64),
        (["a" * 100_000, "--collection", COLLECTION], 64),
        (["cats", "--limit", "0"], 64),
        (["cats", "--limit", "1000000000"], 64),
        (["cats", "--limit", "-1"], 64),
        (["cats", "--collection", "no/such"], 64),
        (["cats", "--collection", "nowhere"], 64),
    ],
)
def test_the_command_refuses_in_one_paragraph(stack, words, code):
    with knowledge.quiet(stack):
        done = stack.run("search", *words)

    assert code == done.code, done.err
    assert "" == done.out
    assert len(paragraph(done)) < 500


def test_the_command_refuses_bytes_that_are_no_text(stack):
    done = stack.run("search", os.fsdecode(b"half \xed\xa0\x80 a pair"))

    assert 64 == done.code
    assert "not valid text" in paragraph(done)
