# SPDX-License-Identifier: Apache-2.0
"""Judged queries as requests of the engine, once every id in them has its vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .edge import engine
from .errors import unsupported
from .queries import Lookup, Node, Request, Scoring

Known = Mapping[Lookup, Any]  # the vector of each id


def build(request: Request, known: Known) -> engine.QueryRequest:
    """Return the engine's request, with the vectors *known* in place of ids."""
    node = request.root
    return engine.QueryRequest(
        prefetches=[_prefetch(each, known) for each in node.prefetches],
        query=_query(node, known),
        **_options(node),
        **request.page,
    )


def _prefetch(node: Node, known: Known) -> engine.Prefetch:
    return engine.Prefetch(
        prefetches=[_prefetch(each, known) for each in node.prefetches],
        query=_query(node, known),
        **_options(node),
    )


def _options(node: Node) -> dict[str, Any]:
    """Return the node's options; points that a query names by id are not among its answers."""
    own: set[Any] = {lookup.id for lookup in node.lookups if lookup.collection is None}
    if not own:
        return node.options
    conditions: dict[str, Any] = {"must_not": [engine.HasIdCondition(own)]}
    if (given := node.options["filter"]) is not None:
        conditions["must"] = [given]
    return node.options | {"filter": engine.Filter(**conditions)}


def _query(node: Node, known: Known) -> Any:
    if not isinstance(node.query, Scoring):
        return node.query
    query, using = node.query, node.query.using

    def vector(part: Any) -> Any:
        return known[part] if isinstance(part, Lookup) else part

    parts = query.parts
    if query.kind == "nearest":
        return engine.Query.Nearest(vector(parts["query"]), using=using)
    if query.kind == "mmr":
        candidates = parts["candidates"] or node.options["limit"]
        return engine.Mmr(vector(parts["query"]), parts["lambda_"], candidates, using)
    if "pairs" in parts:
        pairs = [engine.ContextPair(vector(a), vector(b)) for a, b in parts["pairs"]]
        if query.kind == "context":
            return engine.Query.Context(engine.ContextQuery(pairs), using=using)
        target = engine.DiscoverQuery(vector(parts["target"]), pairs)
        return engine.Query.Discover(target, using=using)
    sides = ([vector(part) for part in parts[side]] for side in ("positive", "negative"))
    return _recommend(query.kind, using, *sides)


def _recommend(kind: str, using: str, positive: list[Any], negative: list[Any]) -> Any:
    if kind == "average_vector":
        if any(not isinstance(each, list) for each in positive + negative):
            raise unsupported("recommendation by average of sparse vectors")
        return engine.Query.Nearest(average(positive, negative), using=using)
    examples = engine.RecommendQuery(positive, negative)
    if kind == "best_score":
        return engine.Query.RecommendBestScore(examples, using=using)
    return engine.Query.RecommendSumScores(examples, using=using)


def average(positive: list[Any], negative: list[Any]) -> list[float]:
    """Return 2 * mean(positive) - mean(negative), or mean(positive) without negatives.

    The server's strategy `average_vector` for dense vectors (documentation, "Explore").
    """
    good = _mean(positive)
    if not negative:
        return good
    return [2 * plus - minus for plus, minus in zip(good, _mean(negative), strict=True)]


def _mean(vectors: list[list[float]]) -> list[float]:
    return [sum(column) / len(vectors) for column in zip(*vectors, strict=True)]
