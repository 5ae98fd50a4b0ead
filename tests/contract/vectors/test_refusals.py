# SPDX-License-Identifier: Apache-2.0
"""What is not understood is refused by name, never half done. Raw requests: the client would
not let most of these out.
"""

import pytest


def send(http, method, path, body=None, raw=None):
    sent = {"content": raw} if raw is not None else {"json": body} if body is not None else {}
    answer = http.request(method, path, headers={"content-type": "application/json"}, **sent)
    return answer.status_code, answer.json()


QUERY, POINTS, SCROLL = "/points/query", "/points", "/points/scroll"
BODIES = {
    "misspelt field": ("POST", QUERY, {"query": [1, 2], "limt": 3}, "limt"),
    "misspelt field of a filter": ("POST", SCROLL, {"filter": {"muss": []}}, "muss"),
    "misspelt field of a point": (
        "PUT",
        POINTS,
        {"points": [{"id": 1, "vector": [1, 2], "paylod": {}}]},
        "paylod",
    ),
    "misspelt match": (
        "POST",
        SCROLL,
        {"filter": {"must": [{"key": "a", "match": {"vale": 1}}]}},
        "vale",
    ),
    "a condition that says nothing": (
        "POST",
        SCROLL,
        {"filter": {"must": [{"key": "a"}]}},
        "says nothing",
    ),
    "a number for a flag": ("POST", SCROLL, {"with_vector": 3}, "with_vector"),
    "a string for a number": ("POST", SCROLL, {"limit": "many"}, "limit"),
    "a real for an integer": ("POST", SCROLL, {"limit": 1.5}, "limit"),
    "a vector of words": ("POST", QUERY, {"query": [1, "b"]}, "query"),
    "a vector of booleans": ("POST", QUERY, {"query": [True, False]}, "query"),
    "a vector beyond 32 bits": ("POST", QUERY, {"query": [1e39, 0]}, "32-bit"),
    "a real as match": (
        "POST",
        SCROLL,
        {"filter": {"must": [{"key": "a", "match": {"value": 1.5}}]}},
        "match.value",
    ),
    "a mixed list as match": (
        "POST",
        SCROLL,
        {"filter": {"must": [{"key": "a", "match": {"any": [1, "a"]}}]}},
        "match.any",
    ),
    "a broken moment": (
        "POST",
        SCROLL,
        {"filter": {"must": [{"key": "a", "range": {"gt": "yesterday"}}]}},
        "range",
    ),
    "a point without vector": ("PUT", POINTS, {"points": [{"id": 1}]}, "vector"),
    "a payload that is a list": (
        "PUT",
        POINTS,
        {"points": [{"id": 1, "vector": [1, 2], "payload": []}]},
        "payload",
    ),
    "columns of different length": (
        "PUT",
        POINTS,
        {"batch": {"ids": [1, 2], "vectors": [[1, 2]]}},
        "batch",
    ),
    "deleting nothing in particular": ("POST", "/points/delete", {}, "points"),
    "deleting by two selectors": (
        "POST",
        "/points/delete",
        {"points": [1], "filter": {}},
        "points",
    ),
    "an unknown operation": (
        "POST",
        "/points/batch",
        {"operations": [{"explode": {}}]},
        "operations[0]",
    ),
    "an unknown index": (
        "PUT",
        "/index",
        {"field_name": "a", "field_schema": "hologram"},
        "hologram",
    ),
}


@pytest.mark.usefixtures("ours_only")
@pytest.mark.parametrize("case", BODIES.values(), ids=BODIES.keys())
def test_a_body_is_refused_by_the_name_of_what_is_wrong(http, client, plain, case):
    method, path, body, named = case
    code, answer = send(http, method, f"/collections/{plain}{path}", body)

    assert code in {400, 422}
    assert named in answer["status"]["error"]
    assert client.count(plain).count == 0


UNSUPPORTED = {
    "shard key": ("POST", SCROLL, {"shard_key": "a"}, "shard_key"),
    "inference": ("POST", QUERY, {"query": {"text": "a", "model": "bm25"}}, "inference"),
    "formula": ("POST", QUERY, {"query": {"formula": {"sum": []}}}, "formula"),
    "slice": ("POST", SCROLL, {"filter": {"must": [{"slice": {"total": 2, "index": 0}}]}}, "slice"),
    "groups": ("POST", "/points/query/groups", {"query": [1, 2], "group_by": "a"}, "groups"),
    "matrix": ("POST", "/points/search/matrix/pairs", {}, "matrix"),
    "cluster": ("GET", "/cluster", None, "cluster"),
}


@pytest.mark.usefixtures("ours_only")
@pytest.mark.parametrize("case", UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
def test_what_a_server_has_and_we_have_not_is_named(http, plain, case):
    method, path, body, named = case
    code, answer = send(http, method, f"/collections/{plain}{path}", body)

    assert 400 <= code < 500
    assert named in answer["status"]["error"]


@pytest.mark.usefixtures("ours_only")
@pytest.mark.parametrize(
    "config",
    [
        {"shard_number": 3},
        {"replication_factor": 2},
        {"sharding_method": "custom"},
        {"strict_mode_config": {"enabled": True, "max_query_limit": 5}},
        {"nonsense": 1},
        {"init_from": {"collection": "x"}},
    ],
    ids=lambda config: next(iter(config)),
)
def test_what_one_process_cannot_be_is_not_promised(http, client, name, config):
    body = {"vectors": {"size": 2, "distance": "Dot"}} | config

    code, answer = send(http, "PUT", f"/collections/{name}", body)

    assert code == 400
    assert next(iter(config)).split("_")[0] in answer["status"]["error"]
    assert not client.collection_exists(name)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b'{"points": NaN}', b"null"])
def test_what_is_no_object_of_json_is_refused(http, plain, raw):
    code, answer = send(http, "PUT", f"/collections/{plain}/points", raw=raw)

    assert code in {400, 422}
    assert answer["status"]["error"]


@pytest.mark.usefixtures("ours_only")
def test_a_body_of_more_than_32_megabytes_is_refused(http, client, plain):
    code, answer = send(http, "PUT", f"/collections/{plain}/points", raw=b" " * (33 << 20))

    assert (code, client.count(plain).count) == (413, 0)
    assert "larger than allowed" in answer["status"]["error"]


def test_a_body_nested_beyond_reason_is_refused(http, plain):
    deep = b'{"filter":{"must":[' * 5000 + b"]}}" * 5000

    code, _ = send(http, "POST", f"/collections/{plain}/points/scroll", raw=deep)

    assert code in {400, 422}


def test_prefetches_nested_beyond_reason_are_refused(http, plain):
    query: dict = {"query": [1, 2]}
    for _ in range(200):
        query = {"prefetch": query, "query": [1, 2]}

    code, _ = send(http, "POST", f"/collections/{plain}/points/query", query)

    assert code in {400, 422}


@pytest.mark.usefixtures("ours_only")
@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/collections")])
def test_a_route_that_is_not_there_is_named(http, method, path):
    code, answer = send(http, method, path)

    assert code in {404, 405}
    assert path in answer["status"]["error"]


def test_every_answer_says_how_long_it_took(http, plain):
    good = send(http, "GET", f"/collections/{plain}")[1]
    bad = send(http, "GET", "/collections/no-such-collection")[1]

    assert good["status"] == "ok"
    assert good["time"] > 0
    assert set(bad) >= {"status", "time"}
