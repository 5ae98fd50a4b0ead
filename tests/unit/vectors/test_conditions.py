# SPDX-License-Identifier: Apache-2.0
import uuid

import pytest

from beast_ops.vectors import conditions
from beast_ops.vectors.errors import RefusedError

NAME = uuid.UUID("6f0c4f2e-5a3b-4a0c-8a3e-0d7d6b1f2a11")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (0, 0),
        (2**64 - 1, 2**64 - 1),
        (str(NAME), str(NAME)),
        (NAME.hex, str(NAME)),
        (NAME.urn, str(NAME)),
        (str(NAME).upper(), str(NAME)),
    ],
)
def test_an_id_is_a_whole_number_or_a_uuid_however_spelt(given, found):
    assert conditions.point_id(given, "id") == found


@pytest.mark.parametrize("given", [-1, 2**64, True, 1.0, "1", "x", None, [1]])
def test_anything_else_is_no_id(given):
    with pytest.raises(RefusedError, match="is not a valid point ID"):
        conditions.point_id(given, "id")


def field(**tests):
    return {"must": [{"key": "a"} | tests]}


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"muss": []}, "unknown field `muss`"),
        ({"must": 3}, "must: expected a list"),
        ({"must": [3]}, r"must\[0\]: expected an object"),
        ({"must": [{"has_id": [1], "x": 1}]}, "unknown field `x`"),
        ({"must": [{"has_id": 1}]}, "expected a list"),
        ({"must": [{"slice": {"total": 2, "index": 1}}]}, "slice"),
        ({"must": [{"nested": {"key": "a"}}]}, "missing field `filter`"),
        ({"must": [{"nested": {"key": "a[", "filter": {}}}]}, "JSON path"),
        ({"must": [{"is_empty": {"key": 3}}]}, "expected a string"),
        ({"min_should": {"conditions": [], "min_count": -1}}, "min_count"),
        (field(), "says nothing"),
        (field(match={}), "expected one of"),
        (field(match={"vale": 1}), "vale"),
        (field(match={"value": 1.5}), "match.value"),
        (field(match={"value": 2**63}), "64 bits"),
        (field(match={"value": 1, "any": [1]}), "unknown field `any`"),
        (field(match={"any": [1, "a"]}), "strings or integers"),
        (field(match={"any": [True]}), "strings or integers"),
        (field(range={"gt": "x"}), "range"),
        (field(range={"gt": "2024-01-01", "lt": 5}), "range.lt"),
        (field(range={"gt": True}), "range.gt"),
        (field(values_count={"gt": -1}), "values_count.gt"),
        (field(geo_radius={"center": {"lon": 0, "lat": 99}, "radius": 1}), "geo_radius"),
        (field(geo_radius={"center": {"lon": 0, "lat": 9}}), "radius"),
        (field(geo_polygon={"exterior": {"points": [{"lon": 0, "lat": 0}]}}), "geo_polygon"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(value, complaint):
    with pytest.raises(RefusedError, match=complaint):
        conditions.read_filter(value, "filter")


CORNER = {"lon": 1, "lat": 2}
RING = {"points": [CORNER, {"lon": 3, "lat": 2}, {"lon": 2, "lat": 4}, CORNER]}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"must": {"has_id": [1]}, "should": [], "must_not": [{"must": []}]},
        {"min_should": {"conditions": [{"has_vector": "a"}], "min_count": 1}},
        {"must": [{"nested": {"key": "a[]", "filter": {"must": [{"has_id": [1]}]}}}]},
        {"must": [{"is_null": {"key": "a"}}, {"is_empty": {"key": "a.b"}}]},
        field(is_empty=True),
        field(is_null=False),
        field(match={"value": "x"}),
        field(match={"value": True}),
        field(match={"any": ["x"]}),
        field(match={"any": []}),
        field(match={"except": [1]}),
        field(match={"text": "a b"}),
        field(match={"text_any": "a b"}),
        field(match={"phrase": "a b"}),
        field(match={"prefix": "a"}),
        field(match={"substring": "a"}),
        field(range={"gte": 1, "lt": 2.5}),
        field(range={"gte": "2024-01-01T00:00:00Z", "lt": None}),
        field(values_count={"gte": 1}),
        field(geo_bounding_box={"top_left": {"lon": 1, "lat": 9}, "bottom_right": CORNER}),
        field(geo_radius={"center": CORNER, "radius": 10}),
        field(geo_polygon={"exterior": RING, "interiors": [RING]}),
    ],
    ids=str,
)
def test_what_qdrant_knows_is_read(value):
    assert conditions.read_filter(value, "filter") is not None
