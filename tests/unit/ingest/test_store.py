# SPDX-License-Identifier: Apache-2.0
"""The store as the worker writes it: patience with one that is away, none with one that refuses."""

import json
import socket
from uuid import UUID

import pytest

from beast_ops.errors import LeaseLostError, ServiceError, SettingsError, UnavailableError
from beast_ops.ingest.indexed import INDEXED
from beast_ops.ingest.space import Space
from beast_ops.ingest.store import Point, PointStore, first
from beast_ops.testing import Canned, fake_service

PATH = "/collections/docs--1/points"
SPACE = Space(embedder="none", model="", dimension=0, language="english")


@pytest.fixture
def made(vectors):
    with PointStore(vectors.url, vectors.key) as store:
        store.make("made", first("made"), SPACE)
        yield store


def test_what_was_made_is_found_again_with_its_space(made):
    assert made.find("never") is None
    assert ("made--1", SPACE) == made.find("made")


def test_making_goes_on_where_an_earlier_attempt_was_cut_off(made):
    made.make("again", first("made"), SPACE)

    assert ("made--1", SPACE) == made.find("again")


def indexes(store):
    """Return how each field of the collection that was made is indexed."""
    schemas = store.call("GET", "/collections/made--1")["payload_schema"]
    return {field: each.get("params") or each["data_type"] for field, each in schemas.items()}


def test_a_new_collection_is_indexed_by_the_beginnings_of_paths(made):
    found = indexes(made)

    assert set(INDEXED) == set(found)
    assert found["path"]["prefix"] is True
    assert found["source"]["prefix"] is True
    assert "keyword" == found["type"]


def test_a_collection_that_was_made_before_is_indexed_as_a_new_one(made):
    new = indexes(made)
    there = "/collections/made--1/index"
    made.call("PUT", there, {"field_name": "path", "field_schema": "keyword"})
    made.call("DELETE", f"{there}/modified")
    old = indexes(made)
    points = [Point(f"00000000-0000-0000-0000-00000000000{n}", {"path": p}, ([n], [1.0]))
              for n, p in enumerate(("/a/b/c", "/a/bc", "/a/b"))]  # fmt: skip
    made.upsert("made--1", points)

    made.index("made--1")

    below = {"filter": {"must": [{"key": "path", "match": {"prefix": "/a/b/"}}]}, "exact": True}
    assert old != new
    assert new == indexes(made)
    assert 1 == made.call("POST", "/collections/made--1/points/count", below)["count"]


def test_a_collection_that_is_indexed_already_is_only_looked_at(made):
    said = {"payload_schema": made.call("GET", "/collections/made--1")["payload_schema"]}
    with (
        fake_service({"/collections/made--1": Canned({"result": said})}) as fake,
        PointStore(fake.address, "k") as store,
    ):
        store.index("made--1")

        assert ["GET"] == [asked.method for asked in fake.asked]


def test_points_are_stored_and_deleted_by_id_and_by_source(made, vectors):
    from beast_ops import http

    ids = [f"00000000-0000-0000-0000-00000000000{n}" for n in range(4)]
    made.upsert(
        "made--1", [Point(i, {"source": f"s{n % 2}"}, ([n], [1.0])) for n, i in enumerate(ids)]
    )
    made.delete("made--1", ids[:1])
    made.delete_of("made--1", ["s1"], but=ids[3:])

    with http.client(vectors.url, headers={"api-key": vectors.key}) as client:
        left = client.post("/collections/made--1/points/scroll", json={}).json()["result"]
    assert [ids[2], ids[3]] == [point["id"] for point in left["points"]]


def test_points_of_several_sources_are_told_news_and_keep_all_else(made):
    points = [
        Point(str(UUID(int=n)), {"source": f"s{n % 3}", "text": str(n)}, ([n], [1.0]))
        for n in range(6)
    ]
    made.upsert("made--1", points)

    made.tell_of("made--1", {"s0": {"modified": "x"}, "s1": {"modified": "y"}})
    made.tell_of("made--1", {})

    body = {"with_payload": True, "limit": 10}
    told = made.call("POST", "/collections/made--1/points/scroll", body)["points"]
    assert [
        {"source": f"s{n % 3}", "text": str(n), **({"modified": "xy"[n % 3]} if n % 3 < 2 else {})}
        for n in range(6)
    ] == [point["payload"] for point in sorted(told, key=lambda point: point["id"])]


def test_what_is_told_of_many_sources_goes_in_one_request():
    taken = {"/collections/docs--1/points/batch": Canned({"result": {}})}
    news = {f"s{n}": {"modified": str(n % 2)} for n in range(50)}
    with fake_service(taken) as fake, PointStore(fake.address, "k") as store:
        store.tell_of("docs--1", news)

    (asked,) = fake.asked
    assert 2 == len(json.loads(asked.body)["operations"])


def test_a_collection_of_somebody_else_is_left_alone():
    answers = {
        "/aliases": Canned({"result": {"aliases": [{"alias_name": "x", "collection_name": "y"}]}}),
        "/collections/y": Canned({"result": {"config": {"metadata": {"owner": "me"}}}}),
    }
    refused = pytest.raises(SettingsError, match="not made by ingestion")
    with fake_service(answers) as fake, PointStore(fake.address, "k") as store, refused:
        store.find("x")


def test_a_store_that_comes_back_gets_what_it_missed():
    away = [503, 502]

    def answer(_asked):
        return Canned(status=away.pop()) if away else Canned({"result": {}})

    with fake_service({PATH: answer}) as fake, PointStore(fake.address, "k") as store:
        store.upsert("docs--1", [Point("1", {"text": "words"})])

        assert 3 == len(fake.asked)
        assert 1 == len({asked.body for asked in fake.asked})


def test_more_than_the_store_takes_at_once_goes_in_several_requests(monkeypatch):
    monkeypatch.setattr("beast_ops.ingest.store.BODY_BYTES", 200)
    points = [Point(str(n), {"text": "word " * 12}) for n in range(5)]
    points.append(Point("5", {"text": "word " * 100}))
    taken = {PATH: Canned({"result": {}})}
    with fake_service(taken) as fake, PointStore(fake.address, "k") as store:
        store.upsert("docs--1", points)

    bodies = [json.loads(asked.body)["points"] for asked in fake.asked]
    assert [point.id for point in points] == [each["id"] for body in bodies for each in body]
    assert {1, 2} >= {len(body) for body in bodies}
    assert max(len(asked.body) for asked in fake.asked[:-1]) <= 200


def test_a_refusal_is_told_at_once():
    refusal = Canned({"status": {"error": "Wrong input: vector"}}, status=400)
    with fake_service({PATH: refusal}) as fake, PointStore(fake.address, "k") as store:
        with pytest.raises(ServiceError, match="Wrong input: vector"):
            store.upsert("docs--1", [])

        assert 1 == len(fake.asked)


def test_a_store_that_stays_away_is_told_when_patience_is_over():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    refused = pytest.raises(UnavailableError, match="the vector store")
    with PointStore(address, "k", patience=0.2) as store, refused:
        store.find("docs")


def test_nobody_waits_for_a_store_when_there_is_no_reason_to_write_any_more():
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 1:
            raise LeaseLostError("another worker has it")

    away, lost = fake_service({PATH: Canned(status=503)}), pytest.raises(LeaseLostError)
    with away as fake, PointStore(fake.address, "k", check) as store, lost:
        store.upsert("docs--1", [])


def test_what_qdrant_client_raises_becomes_ours():
    refusing = fake_service({"/collections/docs--1/exists": Canned(status=403)})
    refused = pytest.raises(ServiceError, match="403")
    with refusing as fake, PointStore(fake.address, "k") as store, refused:
        store.make("docs", "docs--1", SPACE)
