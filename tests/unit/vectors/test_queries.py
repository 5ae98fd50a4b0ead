# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.vectors.building import average, build
from beast_ops.vectors.config import Schema
from beast_ops.vectors.errors import RefusedError
from beast_ops.vectors.queries import DEPTH, Lookup, read

SCHEMA = Schema({"": 2, "dense": 3}, frozenset(), frozenset({"text"}))


def test_a_query_without_anything_has_the_servers_defaults():
    request = build(read({}, SCHEMA), {})

    assert (request.limit, request.offset, request.query) == (10, 0, None)


def test_an_id_is_looked_up_and_left_out_of_the_answer():
    request = read({"query": 7, "using": "dense", "filter": {"must": []}}, SCHEMA)
    lookup = Lookup(7, "dense", None)

    built = build(request, {lookup: [1.0, 2.0, 3.0]})

    assert request.lookups() == [lookup]
    assert len(built.filter.must_not) == 1
    assert len(built.filter.must) == 1


def test_an_id_of_another_collection_may_be_in_the_answer():
    body = {"query": 7, "lookup_from": {"collection": "other", "vector": "v"}}
    request = read(body, SCHEMA)

    built = build(request, {Lookup(7, "v", "other"): [1.0, 2.0]})

    assert built.filter is None


def test_ids_in_prefetches_are_found_too():
    body = {
        "prefetch": [{"query": 1}, {"prefetch": {"query": 2}, "query": {"fusion": "rrf"}}],
        "query": {"recommend": {"positive": [3], "negative": [4]}},
    }

    assert {each.id for each in read(body, SCHEMA).lookups()} == {1, 2, 3, 4}


def nested(levels):
    body = {"query": [1, 2]}
    for _ in range(levels):
        body = {"prefetch": body, "query": {"fusion": "rrf"}}
    return body


def test_prefetches_may_nest_but_not_for_ever():
    build(read(nested(DEPTH), SCHEMA), {})

    with pytest.raises(RefusedError, match="deeper"):
        read(nested(DEPTH + 1), SCHEMA)


@pytest.mark.parametrize(
    "query",
    [
        [1, 2],
        {"nearest": [1, 2]},
        {"nearest": [1, 2], "mmr": {"diversity": 0.3, "candidates_limit": 5}},
        {"recommend": {"positive": [[1, 2]], "negative": [[2, 1]]}},
        {"recommend": {"negative": [[2, 1]], "strategy": "best_score"}},
        {"recommend": {"positive": [[2, 1]], "strategy": "sum_scores"}},
        {"discover": {"target": [1, 2], "context": {"positive": [1, 2], "negative": [2, 1]}}},
        {"context": [{"positive": [1, 2], "negative": [2, 1]}]},
        {"fusion": "dbsf"},
        {"rrf": {"k": 60, "weights": [1, 2.5]}},
        {"rrf": {}},
        {"order_by": "n"},
        {"order_by": {"key": "n", "direction": "desc", "start_from": 3}},
        {"sample": "random"},
    ],
    ids=str,
)
def test_every_kind_of_query_is_built(query):
    assert build(read({"query": query}, SCHEMA), {}).query is not None


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"query": {"nearest": [1, 2], "x": 1}}, "unknown field `x`"),
        ({"query": {"nonsense": 1}}, "expected one of"),
        ({"query": {"formula": {}}}, "formula"),
        ({"query": {"relevance_feedback": {}}}, "relevance_feedback"),
        ({"query": {"text": "a", "model": "m"}}, "inference"),
        ({"query": {"nearest": [1, 2], "mmr": {"diversity": 2}}}, "diversity"),
        ({"query": {"recommend": {"positive": []}}}, "positive"),
        ({"query": {"recommend": {"positive": [[1, 2]], "strategy": "x"}}}, "strategy"),
        ({"query": {"discover": {"context": []}}}, "target"),
        ({"query": {"context": [{"positive": [1, 2]}]}}, "negative"),
        ({"query": {"rrf": {"k": 0}}}, "k"),
        ({"query": {"rrf": {"weights": ["a"]}}}, "weights"),
        ({"query": {"order_by": {"key": "n", "start_from": []}}}, "start_from"),
        ({"query": {"order_by": {"key": "n["}}}, "order_by"),
        ({"query": [1, 2], "shard_key": "a"}, "shard_key"),
        ({"query": 1, "lookup_from": {"collection": "c", "shard_key": "a"}}, "shard_key"),
        ({"using": "dense"}, "using"),
        ({"with_vector": ["nope"]}, "nope"),
        ({"with_payload": {"include": [], "exclude": []}}, "include"),
        ({"with_payload": ["a["]}, "with_payload"),
        ({"params": {"hnsw_eff": 1}}, "hnsw_eff"),
        ({"params": {"quantization": {"x": 1}}}, "unknown field `x`"),
        ({"limit": 0}, "limit"),
        ({"offset": -1}, "offset"),
    ],
)
def test_what_is_wrong_is_refused_by_name(body, complaint):
    with pytest.raises(RefusedError, match=complaint):
        build(read(body, SCHEMA), {})


def test_search_parameters_are_read():
    params = {
        "hnsw_ef": 64,
        "exact": False,
        "indexed_only": True,
        "quantization": {"ignore": True, "rescore": False, "oversampling": 2},
        "acorn": {"enable": True, "max_selectivity": 0.4},
        "idf": {"corpus": {"must": []}},
    }

    built = build(read({"query": [1, 2], "params": params}, SCHEMA), {}).params

    assert (built.hnsw_ef, built.indexed_only) == (64, True)


def test_the_average_leans_away_from_the_bad():
    assert average([[1, 0], [3, 0]], []) == [2, 0]
    assert average([[1, 0], [3, 0]], [[0, 2]]) == [4, -2]


def test_sparse_vectors_have_no_average_here():
    example = {"indices": [1], "values": [1.0]}
    body = {"query": {"recommend": {"positive": [example]}}, "using": "text"}

    with pytest.raises(RefusedError, match="sparse"):
        build(read(body, SCHEMA), {})
