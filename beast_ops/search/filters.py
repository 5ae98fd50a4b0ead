# SPDX-License-Identifier: Apache-2.0
"""Turn wishes about source, type, tag and date into a filter of the vector store.

The store compares whole values and beginnings; what a glob says beyond its fixed beginning is
judged here, on what came back.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from .model import SearchOptions, day

MODIFIED = "modified"
_WILD = re.compile(r"[*?\[]")
_SCHEMES = ("file://", "pipe://")


def condition(options: SearchOptions) -> dict[str, Any] | None:
    """Return the filter for *options* as Qdrant's JSON, or `None` if anything goes."""
    must: list[dict[str, Any]] = []
    if options.type is not None:
        must.append(_equal("type", options.type))
    if options.tag is not None:
        must.append(_equal("tags", options.tag))
    bounds = {"gte": options.after, "lt": options.before}
    days = {way: day(said, way) for way, said in bounds.items() if said is not None}
    if days:
        must.append({"key": MODIFIED, "range": days})
    if options.source is not None:
        must.extend(_source(options.source))
    if options.within:
        must.append({"should": [_below(folder) for folder in options.within]})
    found = {"must": must, "must_not": [_below(folder) for folder in options.without]}
    return {name: said for name, said in found.items() if said} or None


def wild(options: SearchOptions) -> bool:
    """Return whether what comes back must still be judged by `fits`."""
    return options.source is not None and _WILD.search(options.source) is not None


def fits(options: SearchOptions, payload: Mapping[str, Any]) -> bool:
    """Return whether a passage with *payload* is from where *options* wants it."""
    if options.source is None or not wild(options):
        return True
    value = str(payload.get(_field(options.source), ""))
    # A name may hold brackets and mean them.
    literal = value == options.source or value.startswith(f"{options.source.rstrip('/')}/")
    return literal or fnmatchcase(value, options.source)


def _field(source: str) -> str:
    return "source" if source.startswith(_SCHEMES) else "path"


def _source(source: str) -> list[dict[str, Any]]:
    name = _field(source)
    if mark := _WILD.search(source):
        beginning = source[: mark.start()]
        return [_begins(name, beginning)] if beginning else []
    folder = source.rstrip("/")
    return [{"should": [_equal(name, folder or "/"), _begins(name, f"{folder}/")]}]


def _below(folder: str) -> dict[str, Any]:
    return _begins("source", f"{folder.rstrip('/')}/")


def _equal(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "match": {"value": value}}


def _begins(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "match": {"prefix": value}}
