# SPDX-License-Identifier: Apache-2.0
"""Search through the API of an installation on this machine; what `./beast search` calls."""

import os
from collections.abc import Sequence
from typing import Any

from beast_ops.client import connect
from beast_ops.place import Place

from .model import SearchOptions, clean

SECONDS = 30.0
WAYS = ("mode", "whole", "tag", "after", "before", "explain", "group", "mmr", "rerank")


def search(
    place: Place, query: str, options: SearchOptions, notebooks: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the answer to *query* as the JSON contract has it.

    Args:
        place: The installation.
        query: What is looked for.
        options: How.
        notebooks: Names or ids of notebooks that alone are searched, if there are any.

    Raises:
        UsageError: If the query cannot be searched for, or the collection does not exist.
        UnavailableError: If the API or the vector store does not answer.
    """
    body = asked(query, options, notebooks)
    with connect(place, seconds=SECONDS) as api:
        return dict(api.search.ask(**body))


def asked(query: str, options: SearchOptions, notebooks: Sequence[str] = ()) -> dict[str, Any]:
    """Return what the API is asked: what is as always goes unsaid.

    Raises:
        UsageError: If the query cannot be searched for.
    """
    body: dict[str, Any] = {
        "query": clean(query),
        "collection": options.collection,
        "limit": options.limit,
    }
    if notebooks:
        del body["collection"]
        body["notebook"] = list(notebooks)
    if options.source is not None:
        body["source"] = _absolute(options.source)
    if options.type is not None:
        body["type"] = options.type
    return {**body, **_ways(options)}


def _ways(options: SearchOptions) -> dict[str, Any]:
    usual = SearchOptions()
    said = {name: getattr(options, name) for name in WAYS}
    return {name: value for name, value in said.items() if value != getattr(usual, name)}


def _absolute(source: str) -> str:
    """Return a path relative to where the user is as the store knows it; all else as it is."""
    if source.startswith(("file://", "pipe:", "http://", "https://", "*")):
        return source
    return os.path.abspath(os.path.expanduser(source))  # noqa: PTH100, PTH111 - resolve() follows links, ingestion does not
