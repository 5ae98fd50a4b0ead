# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.collections`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class CollectionModel(TypedDict):
    """A collection: chunks (points), and what made its dense vectors."""

    name: str
    points: int
    documents: int | None
    embedder: str | None
    model: str | None
    language: str | None


class CollectionsModel(TypedDict):
    """All collections."""

    collections: list[CollectionModel]


class DocumentModel(TypedDict):
    """A document that was ingested."""

    source: str
    path: str
    size: int
    chunks: int
    modified: str | None


class DocumentsModel(TypedDict):
    """Documents by their sources; `after` asks for the next ones, null at the end."""

    documents: list[DocumentModel]
    after: str | None


class DuplicatesModel(TypedDict):
    """Documents of the same content in groups, nearly equal ones in pairs; how many more pairs."""

    equal: list[list[str]]
    alike: list[PairModel]
    more: int


class EvaluateBody(TypedDict):
    """The golden questions to ask, none of them twice, and how to search."""

    questions: Sequence[GoldenBody]
    mode: NotRequired[Literal["hybrid", "dense", "lexical"]]


class GoldenBody(TypedDict):
    """A question and who answers it: a passage of one source, with one phrase if there are any."""

    question: str
    sources: Sequence[str]
    phrases: NotRequired[Sequence[str]]


class JobModel(TypedDict):
    """Where an ingestion stands; `result` is there once it is done."""

    job: str
    state: Literal["held", "ready", "running", "done", "failed", "cancelled"]
    priority: Priority
    progress: ProgressModel
    result: dict[str, Any] | None
    error: str | None


class PairModel(TypedDict):
    """Two documents that are nearly the same: the share of what they have in common, 0 to 1."""

    share: float
    one: str
    other: str


Priority = Literal["high", "normal", "low"]

class ProgressModel(TypedDict):
    """How far a job is; nothing before it has begun, and stages of an ingestion alone."""

    done: NotRequired[int]
    seen: NotRequired[int]
    failed: NotRequired[int]
    rate: NotRequired[float]
    eta: NotRequired[int | None]
    stages: NotRequired[list[StageModel]]


class ReembedBody(TypedDict):
    """What to do with the vectors of a collection; a model is only needed to `fill`."""

    what: NotRequired[Literal["fill", "switch", "drop"]]
    embedder: NotRequired[Literal["none", "ollama", "hash", "fastembed", "sentence-transformers"]]
    model: NotRequired[str]


class StageModel(TypedDict):
    """How far one stage is; `of` is estimated for passages, `rate` per second, `eta` in seconds."""

    stage: Literal["find", "parse", "chunk", "embed", "upsert"]
    unit: Literal["documents", "passages"]
    done: int
    of: int | None
    rate: float
    eta: int | None


class DuplicatesQuery(TypedDict, total=False):
    """What `duplicates` may be asked besides."""

    alike: float


class DocumentsQuery(TypedDict, total=False):
    """What `documents` may be asked besides."""

    match: str
    after: str
    limit: int
