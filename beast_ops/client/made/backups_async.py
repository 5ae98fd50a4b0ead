# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.backups`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .backups_types import BackupsModel, DrillBody, OperationModel, RestoreBody
    from .backups_types import ListQuery


class AsyncBackups(AsyncRoom):
    """Operations of the API: backups."""

    async def list(self, /, **query: Unpack[ListQuery]) -> BackupsModel:
        """List backups."""
        found: BackupsModel = await self._call("GET", "/backups", query=query)
        return found

    async def make(self, /) -> OperationModel:
        """Make a backup."""
        found: OperationModel = await self._call("POST", "/backups")
        return found

    async def verify(self, name: str, /) -> OperationModel:
        """Verify a backup."""
        found: OperationModel = await self._call("POST", f"/backups/{part(name)}/verify")
        return found

    async def restore(self, name: str, /, **body: Unpack[RestoreBody]) -> OperationModel:
        """Restore a backup."""
        found: OperationModel = await self._call("POST", f"/backups/{part(name)}/restore", body=body)
        return found

    async def drill(self, /, **body: Unpack[DrillBody]) -> OperationModel:
        """Drill a restore."""
        found: OperationModel = await self._call("POST", "/drills", body=body)
        return found
