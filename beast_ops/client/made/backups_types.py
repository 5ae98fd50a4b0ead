# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.backups`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class BackupModel(TypedDict):
    """A backup that lies on the host, and the strongest thing that was ever proven of it."""

    name: str
    made: str
    bytes: int
    proven: Literal["drill", "restore", "verify"] | None
    encrypted: bool


class BackupsModel(TypedDict):
    """The newest backups, and how many there are."""

    total: int
    backups: list[BackupModel]


class DrillBody(TypedDict):
    """Which backup to restore into a throwaway stack."""

    name: NotRequired[str]


class OperationModel(TypedDict):
    """An operation on the host; `receipt` is there once it has written one."""

    id: str
    kind: Literal["backup", "verify", "drill", "plan", "restore", "restart"]
    name: str
    state: Literal["running", "done", "failed", "interrupted"]
    started: str
    finished: str | None
    error: str
    receipt: str | None


class RestoreBody(TypedDict):
    """What to restore; without `confirm` the operation only says what would be replaced."""

    confirm: NotRequired[str]
    service: NotRequired[str | None]


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int
