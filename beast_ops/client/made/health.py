# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.health`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .health_types import ReadyModel, ReportModel


class Health(Room):
    """Operations of the API: health."""

    def report(self, /) -> ReportModel:
        """Look at all services, the disk and the memory; 200 if healthy or degraded, else 503."""
        found: ReportModel = self._call("GET", "/health")
        return found

    def ready(self, /) -> ReadyModel:
        """Answer 200 if what the API needs is there, else 503."""
        found: ReadyModel = self._call("GET", "/health/ready")
        return found
