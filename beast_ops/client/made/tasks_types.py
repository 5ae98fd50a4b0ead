# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.tasks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class TaskBody(TypedDict):
    """What is to be done, and by which model; without `apply` it is only told what would be."""

    words: str
    model: NotRequired[str]
    collections: NotRequired[Sequence[str]]
    apply: NotRequired[bool]


class TaskModel(TypedDict):
    """A task; `report` is there once it has ended, and `error` if it failed before it began."""

    task: str
    state: Literal["held", "ready", "running", "done", "failed", "cancelled", "unfinished"]
    words: str
    error: str | None
    report: TaskReportModel | None


class TaskReportModel(TypedDict):
    """What came of a task: files and commands are those that were, or would have been."""

    task: str
    status: Literal["done", "limit", "stuck", "unknown", "failed", "cancelled"]
    result: str
    apply: bool
    files: list[str]
    commands: list[str]
    tools: dict[str, int]
    steps: int
    tokens: int
    seconds: float


class TranscriptModel(TypedDict):
    """A part of the lines of a transcript, the oldest first, and how many there are."""

    total: int
    lines: list[dict[str, Any]]


class TranscriptQuery(TypedDict, total=False):
    """What `transcript` may be asked besides."""

    limit: int
    offset: int
