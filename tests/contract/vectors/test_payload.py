# SPDX-License-Identifier: Apache-2.0
"""Payload: set, overwritten, removed, cleared, counted by value."""

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

ODD = models.Filter(must=[models.FieldCondition(key="n", match=models.MatchAny(any=[1, 3]))])


@pytest.fixture
def four(client, plain):
    points = [
        models.PointStruct(id=n, vector=[n, 1], payload={"n": n, "deep": {"a": 1}})
        for n in range(4)
    ]
    client.upsert(plain, points)
    return plain


def payloads(client, name):
    return {each.id: each.payload for each in client.scroll(name)[0]}


def test_setting_adds_and_replaces_fields(client, four):
    client.set_payload(four, {"n": 10, "x": [1]}, points=[0])

    assert payloads(client, four)[0] == {"n": 10, "deep": {"a": 1}, "x": [1]}


def test_setting_by_filter_touches_what_matches(client, four):
    client.set_payload(four, {"odd": True}, points=ODD)

    assert {n for n, payload in payloads(client, four).items() if "odd" in payload} == {1, 3}


def test_setting_below_a_key_leaves_the_rest(client, four):
    client.set_payload(four, {"b": 2}, points=[2], key="deep")

    assert payloads(client, four)[2] == {"n": 2, "deep": {"a": 1, "b": 2}}


def test_overwriting_leaves_nothing_else(client, four):
    client.overwrite_payload(four, {"new": 1}, points=[1])

    assert payloads(client, four)[1] == {"new": 1}


def test_removing_takes_only_the_keys(client, four):
    client.delete_payload(four, keys=["deep.a"], points=ODD)

    assert payloads(client, four)[3] == {"n": 3, "deep": {}}
    assert payloads(client, four)[2] == {"n": 2, "deep": {"a": 1}}


def test_clearing_takes_everything(client, four):
    client.clear_payload(four, points_selector=models.PointIdsList(points=[0, 2]))

    assert payloads(client, four)[0] == {}
    assert payloads(client, four)[1] == {"n": 1, "deep": {"a": 1}}


def test_facets_count_values(client, four):
    client.create_payload_index(four, "kind", "keyword")
    client.set_payload(four, {"kind": "even"}, points=[0, 2])
    client.set_payload(four, {"kind": ["odd", "prime"]}, points=[3])

    hits = client.facet(four, key="kind", exact=True).hits

    assert {hit.value: hit.count for hit in hits} == {"even": 2, "odd": 1, "prime": 1}


def test_facets_respect_a_filter(client, four):
    client.create_payload_index(four, "n", "integer")

    hits = client.facet(four, key="n", facet_filter=ODD, exact=True).hits

    assert {hit.value: hit.count for hit in hits} == {1: 1, 3: 1}


def test_facets_without_an_index_are_refused(client, four):
    with pytest.raises(UnexpectedResponse) as refused:
        client.facet(four, key="n")

    assert refused.value.status_code == 400
