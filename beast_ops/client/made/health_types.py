# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.health`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class CheckModel(TypedDict):
    """One check."""

    name: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    message: str
    details: dict[str, Any]
    duration_ms: float


class ReadyModel(TypedDict):
    """The API and all it needs are ready."""

    status: Literal["ready"]


class ReportModel(TypedDict):
    """All checks, made at once."""

    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    timestamp: str
    checks: list[CheckModel]
