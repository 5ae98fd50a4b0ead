# SPDX-License-Identifier: Apache-2.0
"""What our search asks of a store: dates, ranks of each way, vectors along with a fused answer."""

import pytest

NAME = "test-searches"
DENSE = {1: [1, 0], 2: [0.9, 0.1], 3: [0, 1]}
DATES = {1: "2025-12-31T23:59:59+00:00", 2: "2026-01-01T00:00:00+00:00", 3: None}


@pytest.fixture(scope="module", params=[True, False], ids=["indexed", "not indexed"])
def asked(http, request):
    http.delete(f"/collections/{NAME}")
    body = {
        "vectors": {"dense": {"size": 2, "distance": "Cosine"}},
        "sparse_vectors": {"text": {"modifier": "idf"}},
    }
    http.put(f"/collections/{NAME}", json=body).raise_for_status()
    if request.param:
        index = {"field_name": "modified", "field_schema": "datetime"}
        http.put(f"/collections/{NAME}/index?wait=true", json=index).raise_for_status()
    points = [
        {
            "id": n,
            "vector": {"dense": vector, "text": {"indices": [n, 9], "values": [1.0, 1.0]}},
            "payload": {"modified": DATES[n], "tags": ["all", f"t{n}"]},
        }
        for n, vector in DENSE.items()
    ]
    http.put(f"/collections/{NAME}/points?wait=true", json={"points": points}).raise_for_status()

    def query(**said):
        answer = http.post(f"/collections/{NAME}/points/query", json=said)
        answer.raise_for_status()
        return answer.json()["result"]["points"]

    yield query
    http.delete(f"/collections/{NAME}")


def ids(points):
    return {point["id"] for point in points}


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"gte": "2026-01-01T00:00:00Z"}, {2}),
        ({"lt": "2026-01-01T00:00:00Z"}, {1}),
        ({"gte": "2025-01-01T00:00:00Z", "lt": "2027-01-01T00:00:00Z"}, {1, 2}),
        ({"gte": "2027-01-01T00:00:00Z"}, set()),
    ],
)
def test_days_bound_what_is_found_and_what_has_no_date_is_not(asked, bounds, expected):
    dated = {"must": [{"key": "modified", "range": bounds}]}

    assert expected == ids(asked(query=[1, 0], using="dense", filter=dated))


def test_a_tag_is_one_of_many(asked):
    tagged = {"must": [{"key": "tags", "match": {"value": "t3"}}]}

    assert {3} == ids(asked(query=[1, 0], using="dense", filter=tagged))


def test_a_fused_answer_brings_vectors_and_one_way_alone_its_ranks(asked):
    words = {"indices": [3], "values": [1.0]}
    ways = [{"query": [1, 0], "using": "dense"}, {"query": words, "using": "text"}]

    fused = asked(prefetch=ways, query={"rrf": {"k": 60}}, with_vector=["dense"])
    alone = asked(**ways[0], with_payload=False)

    assert {1, 2, 3} == ids(fused)
    assert all(len(point["vector"]["dense"]) == 2 for point in fused)
    assert [1, 2, 3] == [point["id"] for point in alone]
    assert [3] == [point["id"] for point in asked(**ways[1], with_payload=False)]
