# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.vectors import points
from beast_ops.vectors.config import Schema
from beast_ops.vectors.errors import RefusedError

SCHEMA = Schema({"": 2}, frozenset(), frozenset({"text"}))


def row(n=1, **more):
    return {"id": n, "vector": [1, 2]} | more


def steps(kind, body):
    return list(points.READERS[kind](body, SCHEMA))


def test_a_large_body_becomes_several_operations_with_breaths_before():
    found = steps("upsert", {"points": [row(n) for n in range(300)]})

    assert [each is None for each in found] == [True, True, False, False, False]


def test_nothing_is_yielded_for_writing_before_all_is_judged():
    body = {"points": [*(row(n) for n in range(200)), row(-1)]}
    found = []

    with pytest.raises(RefusedError, match=r"points\[200\].id"):
        found.extend(points.upsert(body, SCHEMA))

    assert found == [None]


@pytest.mark.parametrize(
    ("kind", "body", "complaint"),
    [
        ("upsert", {}, "missing field `points`"),
        ("upsert", {"points": [1]}, "expected an object"),
        ("upsert", {"points": [{"id": 1}]}, "missing field `vector`"),
        ("upsert", {"points": [row(payload=[])]}, "payload"),
        ("upsert", {"points": [row(payload={"a": float("inf")})]}, r"points\[0\]"),
        ("upsert", {"points": [row(more=1)]}, "unknown field `more`"),
        ("upsert", {"points": [], "shard_key": "a"}, "shard_key"),
        ("upsert", {"points": [], "update_mode": "maybe"}, "maybe"),
        ("upsert", {"batch": {"ids": [1], "vectors": []}}, "1 ids, but 0"),
        ("upsert", {"batch": {"ids": [1], "vectors": [[1, 2]], "payloads": []}}, "1 ids"),
        ("upsert", {"batch": {"ids": [1], "vectors": {"text": []}}}, "1 ids"),
        ("upsert", {"batch": {"ids": [1], "vectors": 3}}, "batch.vectors"),
        ("delete", {}, "either"),
        ("delete", {"points": [], "filter": {}}, "either"),
        ("set_payload", {"points": [1]}, "missing field `payload`"),
        ("set_payload", {"points": [1], "payload": {"a": float("nan")}}, "payload"),
        ("set_payload", {"points": [1], "payload": {}, "key": "a["}, "payload"),
        ("delete_payload", {"points": [1]}, "missing field `keys`"),
        ("delete_payload", {"points": [1], "keys": ["a["]}, "JSON path"),
        ("delete_vectors", {"points": [1], "vector": ["nope"]}, "nope"),
        ("update_vectors", {"points": [{"id": 1, "vector": [1]}]}, "dim"),
        ("update_vectors", {"points": [row(payload={})]}, "unknown field"),
    ],
)
def test_what_does_not_fit_is_refused(kind, body, complaint):
    with pytest.raises(RefusedError, match=complaint):
        steps(kind, body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("upsert", {"points": [row()], "update_filter": {"must": []}, "update_mode": "upsert"}),
        ("upsert", {"batch": {"ids": [1], "vectors": [[1, 2]], "payloads": [None]}}),
        ("delete", {"points": [1, "6f0c4f2e5a3b4a0c8a3e0d7d6b1f2a11"]}),
        ("delete", {"filter": {}}),
        ("set_payload", {"points": [1], "payload": {"a": 1}, "key": "b.c"}),
        ("overwrite_payload", {"filter": {}, "payload": {}}),
        ("delete_payload", {"filter": {}, "keys": ["a"]}),
        ("clear_payload", {"points": []}),
        ("update_vectors", {"points": [row()]}),
        ("delete_vectors", {"filter": {}, "vector": ["text"]}),
    ],
)
def test_every_writing_call_becomes_operations(kind, body):
    assert [step for step in steps(kind, body) if step is not None] != []


def test_a_batch_names_its_operations():
    body = {"operations": [{"upsert": {"points": []}}, {"delete": {"points": [1]}}]}

    assert [kind for kind, _ in points.batch(body)] == ["upsert", "delete"]


@pytest.mark.parametrize("operation", [{}, {"explode": {}}, {"upsert": {}, "delete": {}}])
def test_a_batch_of_something_else_is_refused(operation):
    with pytest.raises(RefusedError, match=r"operations\[0\]"):
        points.batch({"operations": [operation]})


def test_weight_counts_written_points_and_other_calls_as_one():
    calls = [
        ("upsert", {"points": [1, 2, 3]}),
        ("upsert", {"batch": {"ids": [1, 2]}}),
        ("delete", {"points": [1, 2, 3]}),
    ]

    assert points.weight(calls) == 6
