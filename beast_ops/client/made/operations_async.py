# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.operations`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .operations_types import OperationOutputModel, OperationsModel, ReceiptsModel
    from .operations_types import ListQuery, ReceiptsQuery


class AsyncOperations(AsyncRoom):
    """Operations of the API: operations."""

    async def list(self, /, **query: Unpack[ListQuery]) -> OperationsModel:
        """List operations."""
        found: OperationsModel = await self._call("GET", "/operations", query=query)
        return found

    async def get(self, operation: str, /) -> OperationOutputModel:
        """Look at an operation."""
        found: OperationOutputModel = await self._call("GET", f"/operations/{part(operation)}")
        return found

    async def receipts(self, /, **query: Unpack[ReceiptsQuery]) -> ReceiptsModel:
        """List receipts."""
        found: ReceiptsModel = await self._call("GET", "/receipts", query=query)
        return found
