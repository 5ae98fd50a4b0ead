# SPDX-License-Identifier: Apache-2.0
"""Keys: nothing without one, no writing with the reading one. Ours only: a foreign server's
second key is not known here.
"""

import httpx
import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse


@pytest.fixture
def guarded(ours_only):
    return ours_only


@pytest.fixture
def reader(guarded, dial):
    guarded_with_less = type(guarded)(guarded.folder, guarded.port, key=guarded.read_only_key)
    return dial(guarded_with_less)


def ask(server, path, **headers):
    answer = httpx.get(server.url + path, headers=headers)
    return answer.status_code, answer.text


@pytest.mark.parametrize("path", ["/", "/healthz", "/livez", "/readyz"])
def test_health_needs_no_key(guarded, path):
    assert ask(guarded, path)[0] == 200


@pytest.mark.parametrize("path", ["/collections", "/metrics", "/telemetry", "/nothing-here"])
@pytest.mark.parametrize("key", [None, "wrong", "", "ü"])
def test_anything_else_does(guarded, path, key):
    headers = {} if key is None else {"api-key": key.encode()}

    assert ask(guarded, path, **headers)[0] == 401


@pytest.mark.parametrize("which", ["key", "read_only_key"])
def test_a_key_may_come_as_bearer(guarded, which):
    key = getattr(guarded, which)

    assert ask(guarded, "/metrics", authorization=f"Bearer {key}")[0] == 200


def test_metrics_count_what_was_asked(guarded):
    ask(guarded, "/collections", **{"api-key": guarded.key})

    _, text = ask(guarded, "/metrics", **{"api-key": guarded.read_only_key})

    assert 'endpoint="/collections",method="GET",status="200"' in text
    assert "collections_total" in text


def test_the_reading_key_reads(client, reader, plain):
    client.upsert(plain, [models.PointStruct(id=1, vector=[1, 1], payload={"a": 1})])
    client.create_payload_index(plain, "a", "integer")

    found = [
        reader.count(plain).count,
        len(reader.scroll(plain)[0]),
        len(reader.query_points(plain, query=[1, 1]).points),
        len(reader.query_batch_points(plain, [models.QueryRequest(query=[1, 1])])),
        len(reader.retrieve(plain, [1])),
        len(reader.facet(plain, "a").hits),
        int(reader.collection_exists(plain)),
        reader.get_collection(plain).points_count,
    ]

    assert found == [1] * 8


def test_the_reading_key_writes_nothing(client, reader, plain):
    client.upsert(plain, [models.PointStruct(id=1, vector=[1, 1], payload={"a": 1})])
    new = models.PointStruct(id=2, vector=[1, 1])
    alias = models.CreateAlias(collection_name=plain, alias_name=f"{plain}-alias")
    calls = [
        lambda: reader.upsert(plain, [new]),
        lambda: reader.delete(plain, [1]),
        lambda: reader.set_payload(plain, {"a": 2}, points=[1]),
        lambda: reader.overwrite_payload(plain, {"a": 2}, points=[1]),
        lambda: reader.delete_payload(plain, ["a"], points=[1]),
        lambda: reader.clear_payload(plain, models.PointIdsList(points=[1])),
        lambda: reader.update_vectors(plain, [models.PointVectors(id=1, vector=[2, 2])]),
        lambda: reader.delete_vectors(plain, [""], points=[1]),
        lambda: reader.create_payload_index(plain, "a", "integer"),
        lambda: reader.delete_payload_index(plain, "a"),
        lambda: reader.create_collection(f"{plain}-2", models.VectorParams(size=1, distance="Dot")),
        lambda: reader.update_collection(plain, metadata={"a": 1}),
        lambda: reader.delete_collection(plain),
        lambda: reader.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)]),
        lambda: reader.create_snapshot(plain),
        lambda: reader.recover_snapshot(plain, "file:///x"),
        lambda: reader.delete_snapshot(plain, "x"),
    ]

    codes = []
    for call in calls:
        with pytest.raises(UnexpectedResponse, match="Forbidden") as refused:
            call()
        codes.append(refused.value.status_code)

    assert codes == [403] * len(calls)
    found = client.retrieve(plain, [1, 2], with_vectors=True)
    assert [(each.id, each.payload, each.vector) for each in found] == [(1, {"a": 1}, [1, 1])]


def test_no_key_is_shown_in_the_log(guarded, client):
    client.get_collections()

    said = guarded.log.read_text()

    assert guarded.key not in said
    assert guarded.read_only_key not in said
