# SPDX-License-Identifier: Apache-2.0
"""The calls Open WebUI 0.12 makes: its backend per collection, and the one for many tenants."""

import uuid

import pytest
from qdrant_client import models

NO_LIMIT = 999_999_999  # what it sends instead of no limit


def equals(key, value):
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def items(count, **metadata):
    return [
        models.PointStruct(
            id=str(uuid.uuid4()),
            vector=[float(n), 1.0, 0.5],
            payload={"text": f"chunk {n}", "metadata": {"page": n} | metadata},
        )
        for n in range(count)
    ]


@pytest.fixture
def files(client, name):
    """Lend a collection as the backend per collection makes it."""
    client.create_collection(
        collection_name=name,
        vectors_config=models.VectorParams(size=3, distance=models.Distance.COSINE, on_disk=False),
        hnsw_config=models.HnswConfigDiff(m=16),
    )
    for field in ("metadata.hash", "metadata.file_id"):
        client.create_payload_index(
            collection_name=name,
            field_name=field,
            field_schema=models.KeywordIndexParams(
                type=models.KeywordIndexType.KEYWORD, is_tenant=False, on_disk=False
            ),
        )
    return name


@pytest.fixture
def tenants(client, name):
    """Lend a collection as the backend for many tenants makes it."""
    client.create_collection(
        collection_name=name,
        vectors_config=models.VectorParams(size=3, distance=models.Distance.COSINE, on_disk=False),
        hnsw_config=models.HnswConfigDiff(payload_m=16, m=0),
    )
    client.create_payload_index(
        collection_name=name,
        field_name="tenant_id",
        field_schema=models.KeywordIndexParams(
            type=models.KeywordIndexType.KEYWORD, is_tenant=True, on_disk=False
        ),
    )
    return name


def scrolled(client, name, chosen=None, page=1000):
    found, offset = [], None
    while True:
        points, offset = client.scroll(name, scroll_filter=chosen, limit=page, offset=offset)
        found += points
        if offset is None:
            return found


def test_inserted_files_are_found_with_text_and_metadata(client, files):
    client.upload_points(files, items(20, file_id="f1", hash="h1"), wait=True)

    points = client.query_points(files, query=[3.0, 1.0, 0.5], limit=NO_LIMIT).points

    assert len(points) == 20
    assert points[0].payload["text"] == "chunk 3"
    assert points[0].payload["metadata"]["file_id"] == "f1"
    assert 0 <= (points[0].score + 1) / 2 <= 1.000001


def test_a_file_is_found_by_its_hash_and_deleted_by_its_id(client, files):
    client.upsert(files, items(5, file_id="f1", hash="h1"))
    client.upsert(files, items(7, file_id="f2", hash="h2"))

    by_hash = scrolled(client, files, models.Filter(should=[equals("metadata.hash", "h2")]))
    client.delete(
        files,
        points_selector=models.FilterSelector(
            filter=models.Filter(must=[equals("metadata.file_id", "f2")])
        ),
    )

    assert len(by_hash) == 7
    assert len(scrolled(client, files)) == 5


def test_everything_is_read_in_pages(client, files):
    client.upload_points(files, items(2300), wait=True)

    found = scrolled(client, files)

    assert len({each.id for each in found}) == 2300


def test_chosen_points_are_deleted_by_id(client, files):
    points = items(4)
    client.upsert(files, points)

    client.delete(files, points_selector=models.PointIdsList(points=[points[0].id, points[1].id]))

    assert {each.id for each in scrolled(client, files)} == {points[2].id, points[3].id}


def test_deleting_with_no_condition_empties_the_collection(client, files):
    client.upsert(files, items(4))

    client.delete(files, points_selector=models.FilterSelector(filter=models.Filter(must=[])))

    assert client.count(files).count == 0


def test_a_search_is_narrowed_by_metadata(client, files):
    client.upsert(files, items(5, file_id="f1"))
    client.upsert(files, items(5, file_id="f2"))
    wanted = models.Filter(
        must=[
            models.FieldCondition(key="metadata.file_id", match=models.MatchAny(any=["f2", "f9"]))
        ]
    )

    points = client.query_points(files, query=[1.0, 1.0, 0.5], limit=3, query_filter=wanted).points

    assert [each.payload["metadata"]["file_id"] for each in points] == ["f2"] * 3


def test_a_reset_removes_what_has_its_prefix(client, files):
    for each in client.get_collections().collections:
        if each.name.startswith(files):
            client.delete_collection(collection_name=each.name)

    assert not client.collection_exists(files)


def test_tenants_see_only_their_own(client, tenants):
    for tenant, count in (("a", 3), ("b", 5)):
        points = items(count)
        for point in points:
            point.payload["tenant_id"] = tenant
        client.upload_points(tenants, points, wait=True)
    of_b = models.Filter(must=[equals("tenant_id", "b")])

    counted = client.count(collection_name=tenants, count_filter=of_b).count
    found = client.query_points(tenants, query=[1.0, 1.0, 0.5], limit=10, query_filter=of_b).points

    assert counted == 5
    assert {each.payload["tenant_id"] for each in found} == {"b"}
    assert len(found) == 5


def test_a_tenant_leaves_alone(client, tenants):
    for tenant in ("a", "b"):
        points = items(3)
        for point in points:
            point.payload["tenant_id"] = tenant
        client.upload_points(tenants, points, wait=True)
    first = scrolled(client, tenants, models.Filter(must=[equals("tenant_id", "a")]))[0].id

    client.delete(
        tenants,
        points_selector=models.FilterSelector(
            filter=models.Filter(
                must=[equals("tenant_id", "a"), models.HasIdCondition(has_id=[first])]
            )
        ),
    )
    client.delete(
        tenants,
        points_selector=models.FilterSelector(
            filter=models.Filter(must=[equals("tenant_id", "b")])
        ),
    )

    assert client.count(tenants).count == 2
