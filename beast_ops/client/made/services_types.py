# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.services`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class LogsModel(TypedDict):
    """The last lines a service wrote, without secrets of this installation."""

    lines: list[str]


class RestartedModel(TypedDict):
    """The service that was restarted, and is well again."""

    restarted: str
    operation: NotRequired[str | None]


class ServiceModel(TypedDict):
    """One service and how it is."""

    name: str
    state: str
    pid: int | None
    uptime_seconds: float | None
    restarts: int


class ServicesModel(TypedDict):
    """All services, in start order."""

    services: list[ServiceModel]


class LogsQuery(TypedDict, total=False):
    """What `logs` may be asked besides."""

    lines: int
