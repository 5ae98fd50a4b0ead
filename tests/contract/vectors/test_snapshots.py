# SPDX-License-Identifier: Apache-2.0
"""Snapshots: made, listed, fetched, put back, refused when damaged."""

import hashlib
import io

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse


@pytest.fixture
def kept(client, docs):
    """Lend a collection of a hundred points with an index and metadata, and its snapshot."""
    client.create_payload_index(docs, "n", "integer")
    client.update_collection(docs, metadata={"embedder": "hash"})
    client.upsert(
        docs,
        [
            models.PointStruct(id=n, vector={"dense": [n, 1, 0, 0]}, payload={"n": n})
            for n in range(100)
        ],
    )
    return docs, client.create_snapshot(docs)


def fetch(http, name, snapshot):
    return http.get(f"/collections/{name}/snapshots/{snapshot}").raise_for_status().content


def upload(client, name, raw, checksum=None):
    return client.http.snapshots_api.recover_from_uploaded_snapshot(
        name,
        snapshot=io.BytesIO(raw),
        checksum=checksum,
        priority=models.SnapshotPriority.SNAPSHOT,
        wait=True,
    )


def test_a_snapshot_is_described_and_listed(client, kept):
    name, snapshot = kept

    assert snapshot.size > 0
    assert len(snapshot.checksum) == 64
    assert [each.name for each in client.list_snapshots(name)] == [snapshot.name]


def test_a_snapshot_downloads_as_its_checksum_says(http, kept):
    name, snapshot = kept

    raw = fetch(http, name, snapshot.name)

    assert (len(raw), hashlib.sha256(raw).hexdigest()) == (snapshot.size, snapshot.checksum)


def test_an_uploaded_snapshot_brings_everything_back(client, http, kept):
    name, snapshot = kept
    raw = fetch(http, name, snapshot.name)
    before = client.scroll(name, limit=1000, with_vectors=True)
    client.delete(name, models.FilterSelector(filter=models.Filter()))
    client.upsert(name, [models.PointStruct(id=777, vector={})])

    upload(client, name, raw, snapshot.checksum)

    assert client.scroll(name, limit=1000, with_vectors=True) == before


def test_a_recovered_collection_goes_on_being_written(client, http, kept):
    name, snapshot = kept
    upload(client, name, fetch(http, name, snapshot.name))

    client.delete(name, [1, 2])
    client.upsert(name, [models.PointStruct(id=3, vector={}, payload={"n": "new"})])

    assert client.count(name).count == 98
    assert client.retrieve(name, [3])[0].payload == {"n": "new"}


def test_a_snapshot_makes_a_collection_that_was_not_there(client, http, kept):
    name, snapshot = kept
    raw, other = fetch(http, name, snapshot.name), f"{name}-other"

    upload(client, other, raw)
    found = client.get_collection(other)
    client.delete_collection(other)

    assert found.points_count == 100
    assert set(found.payload_schema) == {"n"}
    assert found.config.metadata == {"embedder": "hash"}


def test_a_snapshot_in_the_snapshots_folder_is_recovered_by_its_place(client, ours, kept):
    if ours is None:
        pytest.skip("where a foreign server keeps its snapshots is not known here")
    name, snapshot = kept
    client.delete(name, models.FilterSelector(filter=models.Filter()))
    path = ours.data / "vectors" / "snapshots" / name / snapshot.name

    client.recover_snapshot(name, path.as_uri(), priority="snapshot", checksum=snapshot.checksum)

    assert client.count(name).count == 100


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "file:///no/such/file", "file://otherhost/x"]
)
def test_a_file_anywhere_else_is_refused(client, docs, location):
    with pytest.raises(UnexpectedResponse) as refused:
        client.recover_snapshot(docs, location, priority="snapshot")

    assert refused.value.status_code in {400, 403, 404}


def test_an_address_elsewhere_is_not_fetched(client, docs, ours):
    if ours is None:
        pytest.skip("a real server may be allowed to fetch")
    with pytest.raises(UnexpectedResponse, match="URL"):
        client.recover_snapshot(docs, "http://127.0.0.1:9/x.snapshot", priority="snapshot")


@pytest.mark.parametrize("harm", ["cut short", "not a snapshot", "other checksum"])
def test_a_damaged_snapshot_is_refused_and_changes_nothing(client, http, kept, harm):
    name, snapshot = kept
    raw = fetch(http, name, snapshot.name)
    checksum = "0" * 64 if harm == "other checksum" else None
    damaged = {"cut short": raw[: len(raw) // 2], "not a snapshot": b"nonsense" * 100}.get(
        harm, raw
    )

    with pytest.raises(UnexpectedResponse) as refused:
        upload(client, name, damaged, checksum)

    assert refused.value.status_code >= 400
    assert client.count(name).count == 100


def test_a_snapshot_of_other_vectors_is_refused(client, http, kept):
    name, snapshot = kept
    other = f"{name}-other"
    client.create_collection(other, models.VectorParams(size=7, distance="Dot"))

    with pytest.raises(UnexpectedResponse) as refused:
        upload(client, other, fetch(http, name, snapshot.name))
    count = client.count(other).count
    client.delete_collection(other)

    assert (refused.value.status_code, count) == (400, 0)


def test_a_deleted_snapshot_is_gone(client, kept):
    name, snapshot = kept

    client.delete_snapshot(name, snapshot.name)

    assert client.list_snapshots(name) == []
    with pytest.raises(UnexpectedResponse) as refused:
        client.delete_snapshot(name, snapshot.name)
    assert refused.value.status_code == 404


def test_two_snapshots_have_two_names(client, kept):
    name, first = kept

    second = client.create_snapshot(name)

    assert [each.name for each in client.list_snapshots(name)] == sorted([first.name, second.name])
