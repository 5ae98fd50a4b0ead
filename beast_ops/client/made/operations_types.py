# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.operations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict

from .backups_types import OperationModel

class OperationOutputModel(TypedDict):
    """An operation, and the last lines it printed, without secrets of this installation."""

    id: str
    kind: Literal["backup", "verify", "drill", "plan", "restore", "restart"]
    name: str
    state: Literal["running", "done", "failed", "interrupted"]
    started: str
    finished: str | None
    error: str
    receipt: str | None
    output: list[str]


class OperationsModel(TypedDict):
    """The newest operations, and how many are known."""

    total: int
    operations: list[OperationModel]


class ReceiptModel(TypedDict):
    """The record of one finished operation, without the checks that were made."""

    id: str
    operation: str
    outcome: Literal["proven", "failed", "rolled back", "done"]
    release: str
    previous: str | None
    started: str
    finished: str
    seconds: float
    changed: list[str]
    message: str
    who: str
    versions: dict[str, str]
    details: dict[str, Any]


class ReceiptsModel(TypedDict):
    """The newest receipts, and how many there are."""

    total: int
    receipts: list[ReceiptModel]


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int


class ReceiptsQuery(TypedDict, total=False):
    """What `receipts` may be asked besides."""

    limit: int
    offset: int
    operation: str | None
