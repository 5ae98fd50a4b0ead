# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.ingest`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict

from .collections_types import JobModel

class JobsModel(TypedDict):
    """A part of the ingestions, the newest first, without their results; `total` counts all."""

    total: int
    jobs: list[JobModel]


class OpenedModel(TypedDict):
    """A job, and the places in its manifest of the documents it wants to be sent."""

    job: str
    wanted: list[int]


class SkipBody(TypedDict):
    """Why a wanted document will not come."""

    reason: str


class TakenModel(TypedDict):
    """A document was received, or its absence noted."""

    job: str
    index: int


class Manifest(TypedDict):
    """The documents of a client."""

    collection: NotRequired[str]
    documents: Sequence[DocumentEntry]
    folders: NotRequired[Sequence[str]]
    kept: NotRequired[Sequence[str]]
    gone: NotRequired[Sequence[str]]
    include: NotRequired[Sequence[str]]
    exclude: NotRequired[Sequence[str]]
    archives: NotRequired[bool]
    prune_empty: NotRequired[bool]
    priority: NotRequired[Literal["high", "normal", "low"] | None]


class DocumentEntry(TypedDict):
    """One document."""

    source: str
    size: int
    mtime_ns: int
    suffix: NotRequired[str]


class FolderBody(TypedDict):
    """A folder on the server's host, by the name under which the inventory declares it."""

    collection: NotRequired[str]
    folder: str
    prune_empty: NotRequired[bool]
    priority: NotRequired[Literal["high", "normal", "low"]]


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int
