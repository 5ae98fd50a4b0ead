# SPDX-License-Identifier: Apache-2.0
import pytest
from starlette.testclient import TestClient

from beast_ops.vectors import answers, reads
from beast_ops.vectors.app import build
from beast_ops.vectors.auth import Keys
from beast_ops.vectors.store import Store

KEYS = Keys(b"full", b"reading")
SMALL = {"vectors": {"size": 2, "distance": "Dot"}}


@pytest.fixture
def http(tmp_path):
    app = build(Store(tmp_path), KEYS, 1000)
    with TestClient(app, headers={"api-key": "full"}, raise_server_exceptions=False) as client:
        client.put("/collections/docs", json=SMALL)
        yield client


def test_a_result_comes_in_qdrants_envelope(http):
    answer = http.get("/collections").json()

    assert answer["result"] == {"collections": [{"name": "docs"}]}
    assert answer["status"] == "ok"
    assert answer["time"] >= 0


def test_a_failure_of_ours_tells_the_log_and_not_the_client(http, monkeypatch, caplog):
    async def fail(*_):
        raise KeyError("a secret of the inside")

    monkeypatch.setattr(reads, "query", fail)
    answer = http.post("/collections/docs/points/query", json={})

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "KeyError" in answer.json()["status"]["error"]
    assert "a secret of the inside" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", 404),
        ("DELETE", "/collections", 405),
        ("GET", "/collections/docs/", 404),
        ("GET", "/../etc/passwd", 404),
    ],
)
def test_what_is_not_there_is_named_in_qdrants_shape(http, method, path, code):
    answer = http.request(method, path)

    assert answer.status_code == code
    assert method in answer.json()["status"]["error"]


def test_answers_are_counted_by_route_and_not_by_name(http):
    for name in ("docs", "a", "b"):
        http.get(f"/collections/{name}")

    text = http.get("/metrics").text

    line = 'rest_responses_total{endpoint="/collections/{name}",method="GET",status="404"} 2.0'
    assert line in text
    assert 'collection_points{id="docs"}' not in text or "0.0" in text


def test_a_flag_of_the_query_is_judged(http):
    answer = http.put("/collections/docs/points?wait=maybe", json={"points": []})

    assert answer.status_code == 400
    assert "wait=maybe" in answer.json()["status"]["error"]


def test_a_long_body_is_read_to_its_end_and_refused(http, monkeypatch):
    monkeypatch.setattr(answers, "MAX_BODY", 10)

    answer = http.put("/collections/docs/points", content=b"x" * 1000)

    assert answer.status_code == 413


def test_an_endless_body_is_not_read_for_ever(http, monkeypatch):
    monkeypatch.setattr(answers, "MAX_BODY", 10)
    monkeypatch.setattr(answers, "DRAIN", 10)
    sent = []

    def endless():
        for _ in range(100):
            sent.append(1)
            yield b"x" * 10

    answer = http.put("/collections/docs/points", content=endless())

    assert answer.status_code == 413


@pytest.mark.parametrize("key", ["", "nonsense", "ful"])
def test_a_wrong_key_is_answered_as_plain_text(http, key):
    answer = http.get("/collections", headers={"api-key": key})

    assert (answer.status_code, answer.text) == (401, "Invalid API key or JWT")


def test_the_reading_key_is_refused_before_the_body_is_read(http):
    answer = http.put(
        "/collections/docs/points", content=b"not even JSON", headers={"api-key": "reading"}
    )

    assert answer.status_code == 403


def test_health_is_plain_text(http):
    assert http.get("/livez", headers={"api-key": ""}).text == "healthz check passed"
    assert http.get("/").json()["title"].startswith("qdrant")


def test_telemetry_is_what_the_client_can_read(http):
    found = http.get("/telemetry").json()["result"]

    assert set(found["app"]) == {"name", "version", "startup"}
    assert found["collections"] == {"number_of_collections": 1}


def test_it_is_ready_once_every_collection_is_open(tmp_path):
    before_the_restart = Store(tmp_path)
    before_the_restart.create("docs", SMALL)
    before_the_restart.close()
    store = Store(tmp_path)
    # Without its lifespan nothing is opened in the background.
    outside = TestClient(build(store, KEYS, 1000))

    before = outside.get("/readyz").status_code
    outside.get("/collections/docs", headers={"api-key": "full"})
    after = outside.get("/readyz").status_code
    store.close()

    assert (before, after) == (503, 200)


def test_a_new_collection_that_nobody_used_yet_does_not_take_the_readiness_away(http):
    http.put("/collections/fresh", json=SMALL)

    assert 200 == http.get("/readyz").status_code
