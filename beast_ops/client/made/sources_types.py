# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.sources`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class SourceModel(TypedDict):
    """A source: `reason` says why it failed, or what one should know although it did not."""

    id: str
    notebook: str
    kind: Literal["file", "text", "url"]
    name: str
    state: Literal["pending", "running", "ready", "failed"]
    passages: int
    size: int
    uri: str
    url: NotRequired[str | None]
    reason: NotRequired[str | None]
    job: NotRequired[str | None]
    created: str
    changed: str


class SourcesModel(TypedDict):
    """A part of the sources of a notebook, the newest first; `total` counts all."""

    sources: list[SourceModel]
    total: int


class TextBody(TypedDict):
    """A text to read."""

    text: str
    name: str


class UrlBody(TypedDict):
    """A page to fetch and read; only public addresses are reached from here."""

    url: str


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int
