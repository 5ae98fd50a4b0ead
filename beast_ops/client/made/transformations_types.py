# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.transformations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class ResultModel(TypedDict):
    """What is made: `text`, its parts if it has any, and the passages that it cites by number."""

    id: str
    notebook: str
    kind: Literal["summary", "insights", "flashcards", "questions"]
    state: Literal["pending", "running", "done", "failed", "cancelled"]
    sources: list[str]
    done: NotRequired[int | None]
    of: NotRequired[int | None]
    reason: NotRequired[str | None]
    text: NotRequired[str | None]
    items: NotRequired[list[dict[str, Any]] | None]
    passages: NotRequired[list[dict[str, Any]] | None]
    model: NotRequired[str | None]
    measured: NotRequired[dict[str, Any] | None]
    created: str
    changed: str


class ResultsModel(TypedDict):
    """A part of the results of a notebook, the newest first; `total` counts all."""

    transformations: list[ResultModel]
    total: int


class TransformationBody(TypedDict):
    """What to make, and of which sources: of all that are ready if none is named."""

    kind: Literal["summary", "insights", "flashcards", "questions"]
    sources: NotRequired[Sequence[str]]


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int
