# SPDX-License-Identifier: Apache-2.0
"""Points: written, read back, changed, deleted."""

import uuid

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

Point = models.PointStruct


def test_a_point_comes_back_as_it_was(client, plain):
    payload = {
        "text": "Ærøskøbing 🦀",
        "none": None,
        "flag": True,
        "whole": 2**53 + 1,
        "real": 1.5,
        "list": [1, "a", {"deep": []}],
        "empty": {},
    }
    client.upsert(plain, [Point(id=1, vector=[1, 2], payload=payload)])

    found = client.retrieve(plain, [1], with_payload=True, with_vectors=True)[0]

    assert found.payload == payload
    assert found.vector == [1.0, 2.0]


def test_dense_and_sparse_vectors_come_back(client, docs):
    sparse = models.SparseVector(indices=[5, 2**32 - 1], values=[0.5, 2.0])
    client.upsert(docs, [Point(id=1, vector={"dense": [3, 0, 4, 0], "text": sparse})])

    vector = client.retrieve(docs, [1], with_vectors=True)[0].vector

    assert vector["dense"] == pytest.approx([0.6, 0, 0.8, 0], abs=1e-6)  # cosine: kept at length 1
    assert vector["text"] == sparse


def test_a_point_may_lack_vectors(client, docs):
    client.upsert(docs, [Point(id=1, vector={}), Point(id=2, vector={"dense": [1, 0, 0, 0]})])

    found = client.query_points(docs, query=[1, 0, 0, 0], using="dense").points

    assert client.count(docs).count == 2
    assert [each.id for each in found] == [2]


def test_ids_are_whole_numbers_or_uuids(client, plain):
    given = [0, 2**64 - 1, str(uuid.uuid4()), uuid.uuid4().hex]
    client.upsert(plain, [Point(id=each, vector=[1, 1]) for each in given])

    found = {each.id for each in client.retrieve(plain, given)}

    assert found == {0, 2**64 - 1, given[2], str(uuid.UUID(given[3]))}


def test_columns_are_written_like_rows(client, docs):
    columns = models.Batch(
        ids=[1, 2],
        vectors={
            "dense": [[1, 0, 0, 0], [0, 1, 0, 0]],
            "text": [models.SparseVector(indices=[n], values=[1.0]) for n in (1, 2)],
        },
        payloads=[{"n": 1}, {}],
    )

    client.upsert(docs, columns)

    found = client.retrieve(docs, [1, 2], with_vectors=["text"])
    assert [(each.id, each.payload, each.vector["text"].indices) for each in found] == [
        (1, {"n": 1}, [1]),
        (2, {}, [2]),
    ]


def test_columns_of_the_unnamed_vector_are_written(client, plain):
    client.upsert(plain, models.Batch(ids=[1, 2], vectors=[[1, 0], [0, 1]]))

    assert client.query_points(plain, query=[0, 1], limit=1).points[0].id == 2


def test_writing_again_replaces_the_whole_point(client, docs):
    client.upsert(docs, [Point(id=1, vector={"dense": [1, 0, 0, 0]}, payload={"a": 1, "b": 2})])

    client.upsert(
        docs,
        [
            Point(
                id=1,
                vector={"text": models.SparseVector(indices=[1], values=[1.0])},
                payload={"c": 3},
            )
        ],
    )
    found = client.retrieve(docs, [1], with_vectors=True)[0]

    assert found.payload == {"c": 3}
    assert set(found.vector) == {"text"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (models.UpdateMode.UPSERT, {1: "new", 2: "new"}),
        (models.UpdateMode.INSERT_ONLY, {1: "old", 2: "new"}),
        (models.UpdateMode.UPDATE_ONLY, {1: "new"}),
    ],
)
def test_writing_may_be_only_inserting_or_only_updating(client, plain, mode, expected):
    client.upsert(plain, [Point(id=1, vector=[1, 1], payload={"v": "old"})])

    points = [Point(id=n, vector=[1, 1], payload={"v": "new"}) for n in (1, 2)]
    client.upsert(plain, points, update_mode=mode)

    assert {each.id: each.payload["v"] for each in client.scroll(plain)[0]} == expected


def test_many_points_in_one_call_all_arrive(client, plain):
    points = [Point(id=n, vector=[n, 1], payload={"n": n}) for n in range(3000)]

    client.upsert(plain, points)

    assert client.count(plain).count == 3000


def test_uploading_in_batches_arrives(client, plain):
    points = (Point(id=n, vector=[n, 1]) for n in range(500))

    client.upload_points(plain, points, batch_size=64, wait=True)

    assert client.count(plain).count == 500


def test_unknown_ids_are_left_out(client, plain):
    client.upsert(plain, [Point(id=1, vector=[1, 1])])

    found = client.retrieve(plain, [1, 2, str(uuid.uuid4())])

    assert [each.id for each in found] == [1]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (True, {"a": {"b": 1, "c": 2}, "d": 3}),
        (False, None),
        (["d"], {"d": 3}),
        (models.PayloadSelectorInclude(include=["a.b"]), {"a": {"b": 1}}),
        (models.PayloadSelectorExclude(exclude=["a.b", "d"]), {"a": {"c": 2}}),
    ],
    ids=["all", "none", "list", "include", "exclude"],
)
def test_payload_is_returned_as_asked(client, plain, selector, expected):
    client.upsert(plain, [Point(id=1, vector=[1, 1], payload={"a": {"b": 1, "c": 2}, "d": 3})])

    retrieved = client.retrieve(plain, [1], with_payload=selector)[0].payload
    scrolled = client.scroll(plain, with_payload=selector)[0][0].payload
    queried = client.query_points(plain, query=[1, 1], with_payload=selector).points[0].payload

    wanted = [expected] if expected is not None else [None, {}]
    assert retrieved in wanted
    assert scrolled in wanted
    assert queried in wanted


def test_deleting_by_id_leaves_the_others(client, plain):
    client.upsert(plain, [Point(id=n, vector=[1, 1]) for n in range(5)])

    client.delete(plain, models.PointIdsList(points=[1, 3, 99]))

    assert [each.id for each in client.scroll(plain)[0]] == [0, 2, 4]


def test_deleting_by_filter_leaves_the_others(client, plain):
    points = [Point(id=n, vector=[1, 1], payload={"source": f"s{n % 2}"}) for n in range(6)]
    client.upsert(plain, points)
    chosen = models.Filter(
        must=[models.FieldCondition(key="source", match=models.MatchValue(value="s1"))],
        must_not=[models.HasIdCondition(has_id=[3])],
    )

    client.delete(plain, models.FilterSelector(filter=chosen))

    assert [each.id for each in client.scroll(plain)[0]] == [0, 2, 3, 4]


def test_a_list_of_operations_is_done_in_order(client, plain):
    client.batch_update_points(
        plain,
        [
            models.UpsertOperation(
                upsert=models.PointsList(
                    points=[Point(id=n, vector=[1, 1], payload={"n": n}) for n in range(4)]
                )
            ),
            models.DeleteOperation(delete=models.PointIdsList(points=[0])),
            models.SetPayloadOperation(
                set_payload=models.SetPayload(payload={"x": 1}, points=[1, 2])
            ),
            models.DeletePayloadOperation(
                delete_payload=models.DeletePayload(keys=["n"], points=[2])
            ),
            models.ClearPayloadOperation(clear_payload=models.PointIdsList(points=[3])),
            models.UpdateVectorsOperation(
                update_vectors=models.UpdateVectors(
                    points=[models.PointVectors(id=3, vector=[7, 7])]
                )
            ),
        ],
    )
    found = client.scroll(plain, with_vectors=True)[0]

    assert [(each.id, each.payload) for each in found] == [
        (1, {"n": 1, "x": 1}),
        (2, {"x": 1}),
        (3, {}),
    ]
    assert found[2].vector == [7.0, 7.0]


def test_vectors_are_changed_and_removed_without_the_payload(client, docs):
    client.upsert(
        docs,
        [
            Point(
                id=1,
                vector={
                    "dense": [1, 0, 0, 0],
                    "text": models.SparseVector(indices=[1], values=[1.0]),
                },
                payload={"a": 1},
            )
        ],
    )
    client.update_vectors(docs, [models.PointVectors(id=1, vector={"dense": [0, 1, 0, 0]})])
    client.delete_vectors(docs, vectors=["text"], points=[1])

    found = client.retrieve(docs, [1], with_vectors=True)[0]

    assert found.payload == {"a": 1}
    assert found.vector == {"dense": [0.0, 1.0, 0.0, 0.0]}


def test_without_waiting_the_answer_is_modest_and_the_point_arrives(client, plain):
    answer = client.upsert(plain, [Point(id=1, vector=[1, 1])], wait=False)
    client.upsert(plain, [Point(id=2, vector=[1, 1])], wait=True)

    assert answer.status == models.UpdateStatus.ACKNOWLEDGED
    assert client.count(plain).count == 2


WRONG = {
    "too short": [Point(id=1, vector=[1])],
    "too long": [Point(id=1, vector=[1, 2, 3])],
    "unknown name": [Point(id=1, vector={"nope": [1, 2]})],
    "negative id": [Point(id=-1, vector=[1, 2])],
    "id of words": [Point(id="not-a-uuid", vector=[1, 2])],
    "sparse for dense": [Point(id=1, vector={"": models.SparseVector(indices=[1], values=[1.0])})],
}


@pytest.mark.parametrize("points", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_point_is_refused_and_its_batch_with_it(client, plain, points):
    good = Point(id=100, vector=[1, 2])

    with pytest.raises(UnexpectedResponse) as refused:
        client.upsert(plain, [good, *points])

    assert refused.value.status_code in {400, 422}
    assert client.count(plain).count in {0, 1}  # a real server may have written the good one


@pytest.mark.parametrize(
    "sparse",
    [
        models.SparseVector(indices=[1, 1], values=[1.0, 2.0]),
        models.SparseVector(indices=[1], values=[1.0, 2.0]),
    ],
    ids=["index twice", "more values than indices"],
)
def test_a_wrong_sparse_vector_is_refused(client, docs, sparse):
    with pytest.raises(UnexpectedResponse) as refused:
        client.upsert(docs, [Point(id=1, vector={"text": sparse})])

    assert refused.value.status_code in {400, 422}
    assert client.count(docs).count == 0
