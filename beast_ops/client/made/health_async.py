# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.health`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .health_types import ReadyModel, ReportModel


class AsyncHealth(AsyncRoom):
    """Operations of the API: health."""

    async def report(self, /) -> ReportModel:
        """Look at all services, the disk and the memory; 200 if healthy or degraded, else 503."""
        found: ReportModel = await self._call("GET", "/health")
        return found

    async def ready(self, /) -> ReadyModel:
        """Answer 200 if what the API needs is there, else 503."""
        found: ReadyModel = await self._call("GET", "/health/ready")
        return found
