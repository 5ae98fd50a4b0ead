# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.search`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class AnswerModel(TypedDict):
    """What was found; `note` says why it is less than was asked for, if so."""

    query: str
    collection: str
    hits: list[HitModel]
    took_ms: float
    mode: Literal["hybrid", "dense", "lexical"]
    note: NotRequired[str | None]
    reranker: NotRequired[str | None]


class HitModel(TypedDict):
    """One passage, best first; scores compare only within one answer."""

    score: float
    source: str
    notebook: NotRequired[str | None]
    notebook_source: NotRequired[str | None]
    text: str
    chunk: str
    left_out: NotRequired[int | None]
    ranks: NotRequired[dict[str, RankModel | None] | None]
    path: NotRequired[str | None]
    type: NotRequired[str | None]
    title: NotRequired[str | None]
    heading: NotRequired[list[str] | None]
    page: NotRequired[int | None]
    modified: NotRequired[str | None]
    tags: NotRequired[list[str] | None]
    author: NotRequired[str | None]
    created: NotRequired[str | None]
    revised: NotRequired[str | None]
    language: NotRequired[str | None]


class RankModel(TypedDict):
    """Where one way of searching alone had a passage; scores compare only within one way."""

    rank: int
    score: float


class SearchBody(TypedDict):
    """A question and where to look for its answer."""

    query: str
    collection: NotRequired[str]
    notebook: NotRequired[str | Sequence[str] | None]
    limit: NotRequired[int]
    source: NotRequired[str | None]
    type: NotRequired[str | None]
    mode: NotRequired[Literal["hybrid", "dense", "lexical"]]
    whole: NotRequired[bool]
    tag: NotRequired[str | None]
    after: NotRequired[str | None]
    before: NotRequired[str | None]
    explain: NotRequired[bool]
    group: NotRequired[int]
    mmr: NotRequired[float | None]
    rerank: NotRequired[bool]
