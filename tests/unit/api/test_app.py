# SPDX-License-Identifier: Apache-2.0
"""The contracts of the routes, on the real thing."""

import json
import re
import time

import pytest

from beast_ops.api.app import build
from beast_ops.errors import BeastError, SettingsError

JSON = {"content-type": "application/json"}


def test_it_lives(anyone):
    assert anyone.get("/health/live").json() == {"status": "alive"}
    assert anyone.head("/health/live").status_code == 200


def test_it_is_ready_as_long_as_the_store_answers(anyone):
    assert anyone.get("/health/ready").json() == {"status": "ready"}


def test_health_has_the_fields_of_the_contract(client):
    answer = client.get("/health")
    report = answer.json()

    assert set(report) == {"status", "timestamp", "checks"}
    assert [check["name"] for check in report["checks"]] == [
        "qdrant",
        "beast-api",
        "disk",
        "memory",
    ]
    for check in report["checks"]:
        assert set(check) == {"name", "status", "message", "details", "duration_ms"}
    assert answer.status_code == (200 if report["status"] in {"healthy", "degraded"} else 503)
    assert report["checks"][0]["message"] == "ready, collections: 1"


def test_search_has_the_fields_of_the_contract(client):
    answer = client.post("/search", json={"query": "a sleeping cat"})

    found = answer.json()
    assert answer.status_code == 200
    assert {"query", "collection", "hits", "took_ms", "mode"} == set(found)
    (hit,) = found["hits"]
    assert hit.pop("score") > 0
    expected = {
        "source": "file://host/docs/sub/cats.pdf",
        "text": "Cats sleep most of the day.",
        "chunk": "2",
        "path": "/docs/sub/cats.pdf",
        "type": "pdf",
        "heading": ["Top"],
        "page": 7,
    }
    assert expected == hit


def test_search_is_filtered(client):
    body = {"query": "cats and keys", "source": "/docs/*.md", "type": "md", "limit": 1}

    assert [hit["path"] for hit in client.post("/search", json=body).json()["hits"]] == [
        "/docs/keys.md"
    ]


def test_a_second_look_that_is_not_set_is_said_and_changes_nothing(client):
    plain = client.post("/search", json={"query": "a sleeping cat"}).json()
    answer = client.post("/search", json={"query": "a sleeping cat", "rerank": True}).json()

    assert plain["hits"] == answer["hits"]
    assert "beast_api_rerank" in answer["note"]
    assert "reranker" not in answer


def test_search_takes_every_way_and_explains_itself(client):
    body = {
        "query": '"sleep most" -dogs type:pdf', "explain": True, "group": 1, "mmr": 0.7,
        "mode": "lexical", "whole": True, "before": "2126-01-31",
    }  # fmt: skip

    assert client.post("/search", json=body).json()["hits"] == []  # it has no date

    del body["before"]
    (hit,) = client.post("/search", json=body).json()["hits"]
    assert hit["path"] == "/docs/sub/cats.pdf"
    assert hit["ranks"]["lexical"]["rank"] == 1


@pytest.mark.parametrize("query", ["-draft", "x after:soon", "x type:pdf type:md", "x -type:pdf"])
def test_a_query_that_makes_no_sense_is_refused(client, query):
    answer = client.post("/search", json={"query": query})

    assert answer.status_code == 422
    assert answer.json()["error"]["hint"]


BAD = [
    ({"query": ""}, "empty"),
    ({"query": " \x00\n"}, "empty"),
    ({"query": "x" * 100_000}, "100000 characters"),
    ({"query": None}, "query"),
    ({"query": ["x"]}, "query"),
    ({}, "query"),
    ([], "body"),
    ({"query": "x", "limit": 0}, "limit"),
    ({"query": "x", "limit": 101}, "limit"),
    ({"query": "x", "limit": "5"}, "limit"),
    ({"query": "x", "limit": 1e300}, "limit"),
    ({"query": "x", "collection": "../etc"}, "collection"),
    ({"query": "x", "collection": ""}, "collection"),
    ({"query": "x", "source": ""}, "source"),
    ({"query": "x", "type": "p" * 5000}, "type"),
    ({"query": "x", "lmit": 3}, "lmit"),
    ({"query": "x", "mode": "both"}, "mode"),
    ({"query": "x", "after": "yesterday"}, "after"),
    ({"query": "x", "before": "2026-02-30"}, "before"),
    ({"query": "x", "group": 11}, "group"),
    ({"query": "x", "mmr": 1.5}, "mmr"),
]


@pytest.mark.parametrize(("body", "named"), BAD, ids=range(len(BAD)))
def test_a_bad_question_is_refused_and_the_fault_named(client, body, named):
    answer = client.post("/search", json=body)

    assert answer.status_code == 422
    assert named in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 200_000, 400),
        (b'{"query": "\\ud800"}', 422),
        (b'{"query": "a\\u0000b cats"}', 200),
        (b'{"query": NaN}', 422),
        (b'{"query": "x", "query": ""}', 422),
    ],
)
def test_bytes_that_are_no_good_json_are_refused(client, raw, status):
    assert status == client.post("/search", content=raw, headers=JSON).status_code


def test_what_was_sent_does_not_come_back_in_a_refusal(client):
    answer = client.post("/search", json={"query": "x", "limit": "s3cret", "s3cret2": "s3cret"})

    assert "s3cret" not in answer.text.replace("s3cret2", "")


SHAPE = {"code", "hint", "id", "message"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "not_found"),
        ("GET", "/search", 405, "method_not_allowed"),
        ("DELETE", "/health/live", 405, "method_not_allowed"),
        ("POST", "/docs", 405, "method_not_allowed"),
        ("TRACE", "/search", 405, "method_not_allowed"),
    ],
)
def test_every_refusal_has_the_same_shape(client, method, path, status, code):
    answer = client.request(method, path)
    error = answer.json()["error"]

    assert status == answer.status_code
    assert set(error) == SHAPE
    assert code == error["code"]
    assert error["message"]
    assert error["hint"]


def test_a_collection_that_is_not_there_is_not_found(client):
    answer = client.post("/search", json={"query": "x", "collection": "nope"})

    assert answer.status_code == 404
    assert "no such collection (nope)" in answer.json()["error"]["message"]
    assert "ingest" in answer.json()["error"]["hint"]


def test_collections_are_listed(client):
    expected = {
        "name": "docs",
        "points": 2,
        "embedder": "test",
        "model": "test",
        "language": "english",
    }
    (found,) = client.get("/collections").json()["collections"]

    assert expected.items() <= found.items()


def test_metrics_are_in_the_form_prometheus_reads(stack, client):
    from prometheus_client.parser import text_string_to_metric_families

    client.get(f"/nope-{time.monotonic()}")
    client.post("/search", json={"query": "cats"})
    with stack.client("the-metrics-token") as metrics:
        plain = metrics.get("/metrics")
        new = metrics.get("/metrics", headers={"accept": "application/openmetrics-text"})

    names = {family.name for family in text_string_to_metric_families(plain.text)}
    assert {
        "ai_beast_api_requests",
        "ai_beast_api_request_duration_seconds",
        "ai_beast_rag_queries",
        "ai_beast_rag_query_duration_seconds",
    } <= names
    assert 'route="other",status="404"' in plain.text
    assert "nope-" not in plain.text
    assert new.text.endswith("# EOF\n")


def test_health_and_collections_are_among_the_metrics(stack):
    deadline = time.monotonic() + 5
    with stack.client("the-metrics-token") as metrics:
        while "collection_chunks{" not in (text := metrics.get("/metrics").text):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    assert 'ai_beast_health_status{check="qdrant",status="healthy"} 1.0' in text
    assert 'ai_beast_health_status{check="qdrant",status="unhealthy"} 0.0' in text
    assert 'ai_beast_rag_collection_chunks{collection="docs"} 2.0' in text
    assert "ai_beast_disk_usage_bytes" in text


def test_the_manual_is_whole_without_script_or_network(anyone):
    page = anyone.get("/docs")

    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert not re.findall(r"""(?:src|href)=["']https?:""", page.text)
    assert "POST /search" in page.text
    assert "Authorization: Bearer TOKEN" in page.text
    assert page.text == anyone.get("/redoc").text


def test_the_style_of_the_manual_is_the_one_its_policy_names(anyone):
    import base64
    import hashlib

    page = anyone.get("/docs")
    style = page.text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]


def test_the_description_says_what_needs_a_token(anyone):
    description = anyone.get("/openapi.json").json()

    assert description["paths"]["/search"]["post"]["security"] == [{"token": []}]
    assert description["paths"]["/health/ready"]["get"]["security"] == []
    assert description["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_every_answer_described_is_an_answer_given(anyone, client):
    """Answers are judged by the schema that the description has for them."""
    import jsonschema

    description = anyone.get("/openapi.json").json()
    answers = {
        ("get", "/health"): client.get("/health"),
        ("get", "/health/ready"): client.get("/health/ready"),
        ("get", "/collections"): client.get("/collections"),
        ("post", "/search"): client.post("/search", json={"query": "cats"}),
    }
    for (method, path), answer in answers.items():
        said = description["paths"][path][method]["responses"]["200"]
        schema = said["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), {**schema, "components": description["components"]})
    refused = client.post("/search", json={})
    problem = {"$ref": "#/components/schemas/Problem", "components": description["components"]}
    jsonschema.validate(refused.json(), problem)


@pytest.mark.parametrize("name", ["token", "metrics_token"])
@pytest.mark.parametrize("content", [None, "", " \n"])
def test_without_a_token_it_does_not_start(stack, tmp_path, name, content):
    from dataclasses import replace

    for each in ("token", "metrics_token"):
        (tmp_path / each).write_text(each)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)

    with pytest.raises(BeastError, match="secret"):
        build(replace(stack.around, secrets=tmp_path))


def test_with_one_token_for_both_it_does_not_start(stack, tmp_path):
    from dataclasses import replace

    for each in ("token", "metrics_token"):
        (tmp_path / each).write_text("same")

    with pytest.raises(SettingsError, match="are the same"):
        build(replace(stack.around, secrets=tmp_path))


def test_with_settings_it_cannot_read_it_does_not_start(stack, tmp_path):
    from dataclasses import replace

    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"prot": 1}))

    with pytest.raises(SettingsError, match="prot"):
        build(replace(stack.around, settings=settings))
