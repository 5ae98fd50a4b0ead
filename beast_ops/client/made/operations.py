# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.operations`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .operations_types import OperationOutputModel, OperationsModel, ReceiptsModel
    from .operations_types import ListQuery, ReceiptsQuery


class Operations(Room):
    """Operations of the API: operations."""

    def list(self, /, **query: Unpack[ListQuery]) -> OperationsModel:
        """List operations."""
        found: OperationsModel = self._call("GET", "/operations", query=query)
        return found

    def get(self, operation: str, /) -> OperationOutputModel:
        """Look at an operation."""
        found: OperationOutputModel = self._call("GET", f"/operations/{part(operation)}")
        return found

    def receipts(self, /, **query: Unpack[ReceiptsQuery]) -> ReceiptsModel:
        """List receipts."""
        found: ReceiptsModel = self._call("GET", "/receipts", query=query)
        return found
