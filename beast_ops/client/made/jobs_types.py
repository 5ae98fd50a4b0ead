# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.jobs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict

from .collections_types import Priority, ProgressModel

class JobLogModel(TypedDict):
    """The last lines a job said."""

    lines: list[LineModel]


class LineModel(TypedDict):
    """One line a job said."""

    at: str
    text: str


class QueueModel(TypedDict):
    """The newest jobs without their results, and how many there are."""

    total: int
    jobs: list[QueuedModel]


class QueuedModel(TypedDict):
    """A job of any kind; `retry_at` is there while it waits to be tried again."""

    job: str
    state: Literal["held", "ready", "running", "done", "failed", "cancelled"]
    priority: Priority
    progress: ProgressModel
    result: dict[str, Any] | None
    error: str | None
    kind: str
    created: str
    changed: str
    attempt: int
    failures: int
    retry_at: str | None


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int
    kind: str
    state: Literal["held", "ready", "running", "done", "failed", "cancelled"] | None


class LogQuery(TypedDict, total=False):
    """What `log` may be asked besides."""

    lines: int
