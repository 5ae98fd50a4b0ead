# SPDX-License-Identifier: Apache-2.0
"""Queries: nested prefetches, fusion and all, as one request of the engine.

Reading is in two steps, because ids in a query stand for vectors: `read` judges the body against
the collection and remembers ids as they are; `build` makes the engine's request once the vectors
of these ids are at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .conditions import point_id, read_filter
from .config import Schema
from .edge import engine
from .errors import invalid, malformed, unsupported, wrong
from .fields import Fields, expect
from .selectors import order_by, search_params, with_payload, with_vector
from .vectors import one

LIMIT = 10  # the server's default for queries and prefetches
RRF_K = 2  # the server's default rank constant
DEPTH = 32  # prefetches in prefetches; the interpreter's stack is not the client's to exhaust


@dataclass(frozen=True, slots=True)
class Lookup:
    """An id in a query: the vector is that of a point, maybe of another collection."""

    id: int | str
    vector: str
    collection: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """A query or a prefetch, judged, its ids not yet replaced."""

    query: Any  # None, an engine query, or a `Scoring`
    prefetches: list[Node]
    options: dict[str, Any]  # filter, params, score_threshold, limit
    lookups: list[Lookup]


@dataclass(frozen=True, slots=True)
class Scoring:
    """A query that is made of vectors, which may be lookups until they are known."""

    kind: str
    using: str
    parts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A whole query request."""

    root: Node
    page: dict[str, Any] = field(default_factory=dict)  # offset, with_payload, with_vector

    def lookups(self) -> list[Lookup]:
        """Return all ids that stand for vectors."""
        found, nodes = [], [self.root]
        while nodes:
            node = nodes.pop()
            found += node.lookups
            nodes += node.prefetches
        return found


def read(body: Any, schema: Schema) -> Request:
    """Return a judged query request.

    Raises:
        RefusedError: If a field is unknown or wrong, or does not fit the collection.
    """
    fields = Fields(body, "")
    if "shard_key" in fields:
        raise unsupported("shard_key")
    fields.raw("shard_key")
    page = {
        "offset": fields.number("offset", 0, 0),
        "with_payload": fields.read("with_payload", with_payload),
        "with_vector": with_vector(fields, schema),
    }
    return Request(_node(fields, schema, 0), page)


def _node(fields: Fields, schema: Schema, depth: int) -> Node:
    if depth > DEPTH:
        raise wrong(f"prefetches are nested deeper than {DEPTH}")
    nested = fields.raw("prefetch")
    listed = [] if nested is None else nested if isinstance(nested, list) else [nested]
    prefetches = [
        _node(Fields(each, f"{fields.at('prefetch')}[{n}]"), schema, depth + 1)
        for n, each in enumerate(listed)
    ]
    using = fields.take("using", str, "")
    reader = _Reader(schema, using, *_lookup_from(fields, using))
    query = reader.query(fields.raw("query"), fields.at("query"))
    options = {
        "filter": fields.read("filter", read_filter),
        "params": fields.read("params", search_params),
        "score_threshold": fields.take("score_threshold", float),
        "limit": fields.number("limit", 1, LIMIT),
    }
    fields.done()
    if query is None and using and not prefetches:
        raise wrong("`using` without a query")
    return Node(query, prefetches, options, reader.lookups)


def _lookup_from(fields: Fields, using: str) -> tuple[str | None, str]:
    if "lookup_from" not in fields:
        return None, using
    place = Fields(fields.raw("lookup_from"), fields.at("lookup_from"))
    if "shard_key" in place:
        raise unsupported("shard_key")
    place.raw("shard_key")
    found = place.need("collection", str), place.take("vector", str, using)
    place.done()
    return found


class _Reader:
    """Reads one query clause; notes the ids it meets."""

    def __init__(self, schema: Schema, using: str, collection: str | None, vector: str) -> None:
        self.schema, self.using = schema, using
        self.collection, self.vector = collection, vector
        self.lookups: list[Lookup] = []

    def query(self, value: Any, where: str) -> Any:
        if value is None:
            return None
        if isinstance(value, dict) and "indices" not in value and "model" not in value:
            return self._clause(Fields(value, where))
        return Scoring("nearest", self.using, {"query": self.vector_input(value, where)})

    def _clause(self, fields: Fields) -> Any:
        for kind, read in CLAUSES.items():
            if kind in fields:
                found = read(self, fields)
                fields.done()
                return found
        for kind in ("formula", "relevance_feedback", "text"):
            if kind in fields:
                raise unsupported(f"a {kind} query")
        raise malformed(f"{fields.where}: expected one of {', '.join(CLAUSES)}")

    def vector_input(self, value: Any, where: str) -> Any:
        """Return a vector, or the lookup that an id stands for."""
        if isinstance(value, int | str):
            found = Lookup(point_id(value, where), self.vector, self.collection)
            self.lookups.append(found)
            return found
        return one(value, self.using, self.schema, where)

    def vector_inputs(self, value: Any, where: str) -> list[Any]:
        listed = expect(value, list, where)
        return [self.vector_input(each, f"{where}[{n}]") for n, each in enumerate(listed)]

    def nearest(self, fields: Fields) -> Scoring:
        parts = {"query": fields.read("nearest", self.vector_input)}
        if "mmr" not in fields:
            return Scoring("nearest", self.using, parts)
        mmr = Fields(fields.raw("mmr"), fields.at("mmr"))
        diversity = mmr.take("diversity", float, 0.5)
        if not 0 <= diversity <= 1:
            raise invalid(f"{mmr.at('diversity')}: value {diversity} invalid, must be from 0 to 1")
        candidates = mmr.number("candidates_limit", 1)
        mmr.done()
        return Scoring(
            "mmr", self.using, parts | {"lambda_": 1.0 - diversity, "candidates": candidates}
        )

    def recommend(self, fields: Fields) -> Scoring:
        inner = Fields(fields.raw("recommend"), fields.at("recommend"))
        parts = {
            "positive": inner.read("positive", self.vector_inputs) or [],
            "negative": inner.read("negative", self.vector_inputs) or [],
        }
        names = ("average_vector", "best_score", "sum_scores")
        kind = inner.choice("strategy", {name: name for name in names}) or names[0]
        inner.done()
        if not parts["positive"] and (kind == names[0] or not parts["negative"]):
            raise wrong("At least one positive vector is required")
        return Scoring(kind, self.using, parts)

    def discover(self, fields: Fields) -> Scoring:
        inner = Fields(fields.raw("discover"), fields.at("discover"))
        parts = {"target": inner.read("target", self.vector_input), "pairs": self._pairs(inner)}
        inner.done()
        if parts["target"] is None:
            raise malformed(f"{inner.where}: missing field `target`")
        return Scoring("discover", self.using, parts)

    def context(self, fields: Fields) -> Scoring:
        return Scoring("context", self.using, {"pairs": self._pairs(fields)})

    def _pairs(self, fields: Fields) -> list[tuple[Any, Any]]:
        value, where = fields.raw("context"), fields.at("context")
        pairs = []
        for n, each in enumerate(value if isinstance(value, list) else [value]):
            pair = Fields(each, f"{where}[{n}]")
            both = [pair.read(side, self.vector_input) for side in ("positive", "negative")]
            pair.done()
            if None in both:
                raise malformed(f"{pair.where}: expected `positive` and `negative`")
            pairs.append((both[0], both[1]))
        return pairs


def _fusion(_: _Reader, fields: Fields) -> Any:
    ways = {"rrf": engine.Fusion.Rrf(RRF_K), "dbsf": engine.Fusion.Dbsf()}
    return fields.need_in("fusion", ways)


def _rrf(_: _Reader, fields: Fields) -> Any:
    inner = Fields(fields.raw("rrf"), fields.at("rrf"))
    k = inner.number("k", 1, RRF_K)
    listed = inner.take("weights", list)
    inner.done()
    weights = None
    if listed is not None:
        weights = [
            expect(each, float, f"{inner.at('weights')}[{n}]") for n, each in enumerate(listed)
        ]
    return engine.Fusion.Rrf(k, weights)


CLAUSES: dict[str, Any] = {
    "nearest": _Reader.nearest,
    "recommend": _Reader.recommend,
    "discover": _Reader.discover,
    "context": _Reader.context,
    "fusion": _fusion,
    "rrf": _rrf,
    "order_by": lambda _, fields: fields.read("order_by", order_by),
    "sample": lambda _, fields: fields.need_in("sample", {"random": engine.Sample.Random}),
}
