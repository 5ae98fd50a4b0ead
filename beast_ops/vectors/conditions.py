# SPDX-License-Identifier: Apache-2.0
"""Filters: Qdrant's JSON into the engine's conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from .edge import Boolean, engine
from .errors import malformed, unsupported
from .fields import Fields, expect

MAX_ID = 2**64 - 1
BOUNDS = ("gte", "gt", "lte", "lt")


def point_id(value: Any, where: str) -> int | str:
    """Return a point's id: an unsigned integer or a UUID in any of its spellings.

    Raises:
        RefusedError: If it is neither.
    """
    if type(value) is int and 0 <= value <= MAX_ID:
        return value
    if type(value) is str:
        try:
            return str(UUID(value))
        except ValueError:
            pass
    raise malformed(
        f"{where}: value {value!r} is not a valid point ID, "
        "valid values are either an unsigned integer or a UUID"
    )


def point_ids(value: Any, where: str) -> list[int | str]:
    """Return a list of ids."""
    ids = expect(value, list, where)
    return [point_id(each, f"{where}[{n}]") for n, each in enumerate(ids)]


def read_filter(value: Any, where: str) -> engine.Filter:
    """Return a filter with its nested conditions."""
    fields = Fields(value, where)
    found = engine.Filter(
        must=fields.read("must", conditions),
        should=fields.read("should", conditions),
        must_not=fields.read("must_not", conditions),
        min_should=fields.read("min_should", min_should),
    )
    fields.done()
    return found


def conditions(value: Any, where: str) -> list[Any]:
    """Return a list of conditions; a single one may stand without brackets."""
    if isinstance(value, dict):
        return [condition(value, where)]
    listed = expect(value, list, where)
    return [condition(each, f"{where}[{n}]") for n, each in enumerate(listed)]


def min_should(value: Any, where: str) -> engine.MinShould:
    """Return a condition that a number of others hold."""
    fields = Fields(value, where)
    listed = conditions(fields.need("conditions", list), fields.at("conditions"))
    count = fields.number("min_count", 0, 0)
    fields.done()
    return engine.MinShould(listed, count)


def condition(value: Any, where: str) -> Any:
    """Return one condition, told by the field that only its kind has."""
    fields = Fields(value, where)
    if "key" in fields:
        return field_condition(fields)
    for kind, read in KINDS.items():
        if kind in fields:
            found = fields.read(kind, read)
            fields.done()
            return found
    return read_filter(value, where)


def _payload_field(value: Any, where: str) -> str:
    fields = Fields(value, where)
    key = fields.need("key", str)
    fields.done()
    return key


def _nested(value: Any, where: str) -> engine.NestedCondition:
    fields = Fields(value, where)
    key = fields.need("key", str)
    inner = read_filter(fields.need("filter", dict), fields.at("filter"))
    fields.done()
    return engine.NestedCondition(_path(key, where), inner)


def _slice(_: Any, where: str) -> Any:
    raise unsupported(f"a slice condition ({where})")


KINDS: dict[str, Callable[[Any, str], Any]] = {
    "has_id": lambda value, where: engine.HasIdCondition(set(point_ids(value, where))),
    "has_vector": lambda value, where: engine.HasVectorCondition(expect(value, str, where)),
    "is_empty": lambda value, where: engine.IsEmptyCondition(_payload_field(value, where)),
    "is_null": lambda value, where: engine.IsNullCondition(_payload_field(value, where)),
    "nested": _nested,
    "slice": _slice,
}


def field_condition(fields: Fields) -> engine.FieldCondition:
    """Return a condition on a payload field, which must say something about it."""
    key = _path(fields.need("key", str), fields.where)
    tests: dict[str, Any] = {
        "match": fields.read("match", match),
        "range": fields.read("range", payload_range),
        "geo_bounding_box": fields.read("geo_bounding_box", geo_box),
        "geo_radius": fields.read("geo_radius", geo_radius),
        "geo_polygon": fields.read("geo_polygon", geo_polygon),
        "values_count": fields.read("values_count", values_count),
        "is_empty": fields.take("is_empty", bool),
        "is_null": fields.take("is_null", bool),
    }
    fields.done()
    said: dict[str, Any] = {name: test for name, test in tests.items() if test is not None}
    if not said:
        raise malformed(f"{fields.where}: the condition on `{key}` says nothing about it")
    return engine.FieldCondition(key, **said)


def _path(key: str, where: str) -> str:
    try:
        engine.IsEmptyCondition(key)
    except ValueError as error:
        raise malformed(f"{where}.key: {error}") from error
    return key


def match(value: Any, where: str) -> Any:
    """Return a condition on a value, told by its only field."""
    fields = Fields(value, where)
    for kind, read in MATCHES.items():
        if kind in fields:
            found = fields.read(kind, read)
            fields.done()
            return found
    fields.done()
    raise malformed(f"{where}: expected one of {', '.join(MATCHES)}")


def _scalar(value: Any, where: str) -> engine.MatchValue:
    if type(value) not in {str, int, bool}:
        raise malformed(f"{where}: expected a string, an integer or a boolean")
    if type(value) is bool:
        return engine.MatchValue(Boolean(value))  # type: ignore[arg-type] # see Boolean
    return engine.MatchValue(_whole(value, where))


def _whole(value: Any, where: str) -> Any:
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise malformed(f"{where}: {value} does not fit 64 bits")
    return value


def _variants(value: Any, where: str) -> list[Any]:
    listed = expect(value, list, where)
    if not {type(each) for each in listed} <= {str} and not {type(each) for each in listed} <= {
        int
    }:
        raise malformed(f"{where}: expected strings or integers, not both and nothing else")
    return [_whole(each, where) for each in listed]


MATCHES: dict[str, Callable[[Any, str], Any]] = {
    "value": _scalar,
    "any": lambda value, where: engine.MatchAny(_variants(value, where)),
    "except": lambda value, where: engine.MatchExcept(_variants(value, where)),
    "text": lambda value, where: engine.MatchText(expect(value, str, where)),
    "text_any": lambda value, where: engine.MatchTextAny(expect(value, str, where)),
    "phrase": lambda value, where: engine.MatchPhrase(expect(value, str, where)),
    "prefix": lambda value, where: engine.MatchPrefix(expect(value, str, where)),
    "substring": lambda value, where: engine.MatchSubstring(expect(value, str, where)),
}


def payload_range(value: Any, where: str) -> Any:
    """Return a range of numbers, or of moments if a bound is a string."""
    fields = Fields(value, where)
    bounds = {name: fields.raw(name) for name in BOUNDS}
    fields.done()
    said = {name: bound for name, bound in bounds.items() if bound is not None}
    if any(isinstance(bound, str) for bound in said.values()):
        moments = {name: expect(bound, str, f"{where}.{name}") for name, bound in said.items()}
        try:
            return engine.RangeDateTime(**moments)
        except ValueError as error:
            raise malformed(f"{where}: {error}") from error
    return engine.RangeFloat(
        **{name: expect(bound, float, f"{where}.{name}") for name, bound in said.items()}
    )


def values_count(value: Any, where: str) -> engine.ValuesCount:
    """Return a condition on how many values a field has."""
    fields = Fields(value, where)
    bounds = {name: fields.number(name, 0) for name in BOUNDS}
    fields.done()
    return engine.ValuesCount(**bounds)


def geo_point(value: Any, where: str) -> engine.GeoPoint:
    """Return a place on earth."""
    fields = Fields(value, where)
    lon, lat = fields.need("lon", float), fields.need("lat", float)
    fields.done()
    try:
        return engine.GeoPoint(lon=lon, lat=lat)
    except ValueError as error:
        raise malformed(f"{where}: {error}") from error


def geo_box(value: Any, where: str) -> engine.GeoBoundingBox:
    """Return a box between two corners."""
    fields = Fields(value, where)
    corners = [
        geo_point(fields.need(name, dict), fields.at(name)) for name in ("top_left", "bottom_right")
    ]
    fields.done()
    return engine.GeoBoundingBox(*corners)


def geo_radius(value: Any, where: str) -> engine.GeoRadius:
    """Return a circle, its radius in metres."""
    fields = Fields(value, where)
    center = geo_point(fields.need("center", dict), fields.at("center"))
    radius = fields.need("radius", float)
    fields.done()
    return engine.GeoRadius(center, radius)


def geo_polygon(value: Any, where: str) -> engine.GeoPolygon:
    """Return a polygon with its holes."""
    fields = Fields(value, where)
    exterior = _ring(fields.need("exterior", dict), fields.at("exterior"))
    holes = fields.take("interiors", list, [])
    interiors = [_ring(each, f"{fields.at('interiors')}[{n}]") for n, each in enumerate(holes)]
    fields.done()
    try:
        return engine.GeoPolygon(exterior, interiors)
    except ValueError as error:
        raise malformed(f"{where}: {error}") from error


def _ring(value: Any, where: str) -> list[engine.GeoPoint]:
    fields = Fields(value, where)
    points = fields.need("points", list)
    fields.done()
    return [geo_point(each, f"{where}.points[{n}]") for n, each in enumerate(points)]
