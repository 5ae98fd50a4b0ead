# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.notebooks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class NotebookBody(TypedDict):
    """A new notebook."""

    name: str
    description: NotRequired[str]


class NotebookChange(TypedDict):
    """What is to change of a notebook; what is left out stays."""

    name: NotRequired[str | None]
    description: NotRequired[str | None]


class NotebookModel(TypedDict):
    """A notebook, and how many sources it has."""

    id: str
    name: str
    description: str
    sources: int
    created: str
    changed: str


class NotebooksModel(TypedDict):
    """A part of the notebooks, the newest change first; `total` counts all that fit."""

    notebooks: list[NotebookModel]
    total: int


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int
    search: str
