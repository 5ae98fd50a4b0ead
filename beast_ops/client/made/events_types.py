# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.events`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class EventModel(TypedDict):
    """One thing that happened; later ones have higher numbers."""

    number: int
    id: str
    name: str
    at: str
    source: str
    data: dict[str, Any]


class EventsModel(TypedDict):
    """The newest events, and how many are kept."""

    total: int
    events: list[EventModel]


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int
    names: str


class StreamQuery(TypedDict, total=False):
    """What `stream` may be asked besides."""

    names: str
    after: int | None
