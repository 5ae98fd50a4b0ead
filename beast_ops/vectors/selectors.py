# SPDX-License-Identifier: Apache-2.0
"""The parts that several requests share: what to return, in which order, how hard to look."""

from __future__ import annotations

from typing import Any

from .conditions import read_filter
from .config import Schema
from .edge import engine
from .errors import malformed
from .fields import Fields, expect
from .vectors import known_names

DIRECTIONS = {"asc": engine.Direction.Asc, "desc": engine.Direction.Desc}


def with_payload(value: Any, where: str) -> Any:
    """Return which payload fields to return: all, none, these, or all but these."""
    if isinstance(value, bool):
        return value
    try:
        if isinstance(value, list):
            return engine.PayloadSelector.Include(_strings(value, where))
        fields = Fields(value, where)
        include, exclude = fields.strings("include"), fields.strings("exclude")
        fields.done()
        if (include is None) == (exclude is None):
            raise malformed(f"{where}: expected either `include` or `exclude`")
        if include is not None:
            return engine.PayloadSelector.Include(include)
        return engine.PayloadSelector.Exclude(exclude or [])
    except ValueError as error:
        raise malformed(f"{where}: {error}") from error


def with_vector(fields: Fields, schema: Schema) -> Any:
    """Return which vectors to return: all, none, or these."""
    value = fields.raw("with_vector")
    if value is None or isinstance(value, bool):
        return value
    names = _strings(value, fields.at("with_vector"))
    known_names(names, schema)
    return names


def _strings(value: Any, where: str) -> list[str]:
    listed = expect(value, list, where)
    return [expect(each, str, f"{where}[{n}]") for n, each in enumerate(listed)]


def order_by(value: Any, where: str) -> engine.OrderBy:
    """Return an order by a payload field, given by its name or with direction and start."""
    if isinstance(value, str):
        value = {"key": value}
    fields = Fields(value, where)
    key, start = fields.need("key", str), fields.raw("start_from")
    if start is not None and type(start) not in {int, float, str}:
        raise malformed(f"{where}.start_from: expected a number or a moment")
    direction = fields.choice("direction", DIRECTIONS)
    fields.done()
    try:
        return engine.OrderBy(key, direction, start)
    except (ValueError, TypeError) as error:
        raise malformed(f"{where}: {error}") from error


def search_params(value: Any, where: str) -> engine.SearchParams:
    """Return how hard to look."""
    fields = Fields(value, where)
    params = engine.SearchParams(
        hnsw_ef=fields.number("hnsw_ef", 0),
        exact=fields.take("exact", bool, default=False),
        quantization=fields.read("quantization", _quantization),
        indexed_only=fields.take("indexed_only", bool, default=False),
        acorn=fields.read("acorn", _acorn),
        idf=fields.read("idf", _idf),
    )
    fields.done()
    return params


def _quantization(value: Any, where: str) -> engine.QuantizationSearchParams:
    fields = Fields(value, where)
    params = engine.QuantizationSearchParams(
        ignore=fields.take("ignore", bool, default=False),
        rescore=fields.take("rescore", bool),
        oversampling=fields.take("oversampling", float),
    )
    fields.done()
    return params


def _acorn(value: Any, where: str) -> engine.AcornSearchParams:
    fields = Fields(value, where)
    params = engine.AcornSearchParams(
        enable=fields.take("enable", bool, default=False),
        max_selectivity=fields.take("max_selectivity", float),
    )
    fields.done()
    return params


def _idf(value: Any, where: str) -> engine.IdfParams:
    if value == "global":
        return engine.IdfParams()
    fields = Fields(value, where)
    corpus = read_filter(fields.need("corpus", dict), fields.at("corpus"))
    fields.done()
    return engine.IdfParams(corpus)
