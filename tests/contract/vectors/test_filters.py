# SPDX-License-Identifier: Apache-2.0
"""Filters: each condition against points made for it, with and without a payload index."""

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

POINTS = {
    1: {"kind": "a", "n": 1, "one": 1, "r": 0.5, "when": "2024-01-01T00:00:00Z", "flag": True},
    2: {"kind": "b", "n": 2, "r": 1.5, "when": "2024-06-01T12:00:00+02:00", "tags": ["x", "y"]},
    3: {"kind": "a", "n": -3, "r": 2.5, "when": "2025-01-01", "tags": [], "flag": False},
    4: {"kind": ["a", "c"], "n": [4, 5], "text": "the quick brown fox"},
    5: {"kind": None, "deep": {"kind": "d", "n": 5}, "text": "a lazy dog sleeps"},
    6: {"items": [{"name": "bolt", "count": 3}, {"name": "nut", "count": 9}]},
    7: {"items": [{"name": "bolt", "count": 9}, {"name": "nut", "count": 3}]},
    8: {"city": {"lon": 13.4, "lat": 52.5}},
    9: {"city": [{"lon": -0.1, "lat": 51.5}, {"lon": 2.35, "lat": 48.85}]},
}


def field(key, **test):
    return models.FieldCondition(key=key, **test)


def value(key, wanted):
    return field(key, match=models.MatchValue(value=wanted))


def moments(**bounds):
    return field("when", range=models.DatetimeRange(**bounds))


def corner(lon, lat):
    return models.GeoPoint(lon=lon, lat=lat)


def ring(*points):
    return models.GeoLineString(points=[corner(*each) for each in points])


NESTED = models.Filter(must=[value("name", "bolt"), field("count", range=models.Range(gt=5))])
BERLIN = corner(13.4, 52.5)
TRIANGLE = ring((10, 50), (16, 50), (13, 55), (10, 50))

CONDITIONS = {
    "keyword": (value("kind", "a"), {1, 3, 4}),
    "integer": (value("n", 2), {2}),
    "integer in a list": (value("n", 5), {4}),
    "negative integer": (value("n", -3), {3}),
    "true": (value("flag", wanted=True), {1}),
    "false": (value("flag", wanted=False), {3}),
    "true is not one": (value("one", wanted=True), set()),
    "one is not true": (value("flag", 1), set()),
    "below a key": (value("deep.kind", "d"), {5}),
    "in objects of a list": (value("items[].name", "nut"), {6, 7}),
    "no such value": (value("kind", "zzz"), set()),
    "any keyword": (field("kind", match=models.MatchAny(any=["b", "c"])), {2, 4}),
    "any integer": (field("n", match=models.MatchAny(any=[1, 4])), {1, 4}),
    "any of none": (field("kind", match=models.MatchAny(any=[])), set()),
    "except keyword": (field("kind", match=models.MatchExcept(**{"except": ["a"]})), {2, 4}),
    "words": (field("text", match=models.MatchText(text="quick")), {4}),
    "range of reals": (field("r", range=models.Range(gt=0.5, lte=2.5)), {2, 3}),
    "range of integers": (field("n", range=models.Range(gte=2)), {2, 4}),
    "range from below": (field("n", range=models.Range(lt=2)), {1, 3}),
    "from a moment": (moments(gte="2024-06-01T10:00:00Z"), {2, 3}),
    "after a moment": (moments(gt="2024-06-01T10:00:00Z"), {3}),
    "before a day": (moments(lt="2024-06-01"), {1}),
    "count of values": (field("tags", values_count=models.ValuesCount(gte=2)), {2}),
    "empty": (
        models.IsEmptyCondition(is_empty=models.PayloadField(key="kind")),
        {5, 6, 7, 8, 9},
    ),
    "empty list": (
        models.IsEmptyCondition(is_empty=models.PayloadField(key="tags")),
        {1, 3, 4, 5, 6, 7, 8, 9},
    ),
    "null": (models.IsNullCondition(is_null=models.PayloadField(key="kind")), {5}),
    "ids": (models.HasIdCondition(has_id=[2, 3, 77]), {2, 3}),
    "no ids": (models.HasIdCondition(has_id=[]), set()),
    "has a vector": (models.HasVectorCondition(has_vector="dense"), {1, 3, 5, 7, 9}),
    "one object of a list": (
        models.NestedCondition(nested=models.Nested(key="items", filter=NESTED)),
        {7},
    ),
    "a filter in a filter": (
        models.Filter(should=[value("kind", "b"), models.Filter(must_not=[value("kind", "a")])]),
        {2, 5, 6, 7, 8, 9},
    ),
    "in a circle": (field("city", geo_radius=models.GeoRadius(center=BERLIN, radius=9e3)), {8}),
    "in a box": (
        field(
            "city",
            geo_bounding_box=models.GeoBoundingBox(
                top_left=corner(-1, 52), bottom_right=corner(1, 51)
            ),
        ),
        {9},
    ),
    "in a polygon": (
        field(
            "city",
            geo_polygon=models.GeoPolygon(exterior=ring((10, 50), (16, 50), (13, 55), (10, 50))),
        ),
        {8},
    ),
}

INDEXES = {
    "kind": "keyword",
    "n": "integer",
    "r": "float",
    "when": "datetime",
    "flag": "bool",
    "tags": "keyword",
    "city": "geo",
    "text": "text",
    "items[].name": "keyword",
    "deep.kind": "keyword",
}


def make(client, name, indexes):
    client.create_collection(
        name, {"dense": models.VectorParams(size=2, distance=models.Distance.DOT)}
    )
    for key, kind in indexes.items():
        client.create_payload_index(name, key, kind)
    client.upsert(
        name,
        [
            models.PointStruct(id=n, vector={"dense": [n, 1]} if n % 2 else {}, payload=payload)
            for n, payload in POINTS.items()
        ],
    )
    return name


@pytest.fixture(scope="module")
def unindexed(client):
    yield make(client, "test-filters-unindexed", {})
    client.delete_collection("test-filters-unindexed")


@pytest.fixture(scope="module")
def indexed(client):
    yield make(client, "test-filters-indexed", INDEXES)
    client.delete_collection("test-filters-indexed")


def matching(client, name, chosen):
    return {each.id for each in client.scroll(name, scroll_filter=chosen, limit=100)[0]}


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_a_condition_chooses_its_points(client, unindexed, condition, expected):
    must = models.Filter(must=[condition])
    must_not = models.Filter(must_not=[condition])

    assert matching(client, unindexed, must) == expected
    assert matching(client, unindexed, must_not) == set(POINTS) - expected
    assert client.count(unindexed, must).count == len(expected)


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_an_index_changes_no_answer(client, indexed, condition, expected):
    assert matching(client, indexed, models.Filter(must=[condition])) == expected


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_a_search_keeps_to_the_filter(client, unindexed, condition, expected):
    found = client.query_points(
        unindexed,
        query=[1, 1],
        using="dense",
        query_filter=models.Filter(must=[condition]),
        limit=100,
    ).points

    assert {each.id for each in found} == {n for n in expected if n % 2}


@pytest.mark.parametrize(
    ("count", "expected"), [(0, set(POINTS)), (1, {1, 2, 3, 4}), (2, {1, 3}), (3, set())]
)
def test_at_least_so_many_must_hold(client, unindexed, count, expected):
    conditions = [value("kind", "a"), field("r", range=models.Range(gt=0))]
    chosen = models.Filter(min_should=models.MinShould(conditions=conditions, min_count=count))

    if count == 0:
        pytest.skip("what zero of several means is not said anywhere")
    assert matching(client, unindexed, chosen) == expected


def test_clauses_hold_together(client, unindexed):
    chosen = models.Filter(
        must=[field("r", range=models.Range(gt=0))],
        should=[value("n", 1), value("n", 2)],
        must_not=[value("kind", "b")],
    )

    assert matching(client, unindexed, chosen) == {1}


def test_an_empty_filter_chooses_all(client, unindexed):
    assert matching(client, unindexed, models.Filter()) == set(POINTS)
    assert matching(client, unindexed, models.Filter(must=[])) == set(POINTS)


@pytest.mark.parametrize(
    "condition",
    [
        models.FieldCondition(key="kind[", match=models.MatchValue(value="a")),
        models.HasIdCondition(has_id=["no-uuid"]),
    ],
    ids=["broken path", "broken id"],
)
def test_a_wrong_condition_is_refused(client, unindexed, condition):
    with pytest.raises(UnexpectedResponse) as refused:
        client.count(unindexed, models.Filter(must=[condition]))

    assert refused.value.status_code in {400, 422}
