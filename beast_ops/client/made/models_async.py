# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.models`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .collections_types import JobModel
    from .models_types import CatalogueAnswer, DeletedModel, ModelsModel, PullBody
    from .models_types import CatalogueQuery


class AsyncModels(AsyncRoom):
    """Operations of the API: models."""

    async def catalogue(self, /, **query: Unpack[CatalogueQuery]) -> CatalogueAnswer:
        """Search the catalogue."""
        found: CatalogueAnswer = await self._call("GET", "/models/catalogue", query=query)
        return found

    async def list(self, /) -> ModelsModel:
        """List models."""
        found: ModelsModel = await self._call("GET", "/models")
        return found

    async def pull(self, /, **body: Unpack[PullBody]) -> JobModel:
        """Fetch a model."""
        found: JobModel = await self._call("POST", "/models/pull", body=body)
        return found

    async def delete(self, name: str, /) -> DeletedModel:
        """Delete a model."""
        found: DeletedModel = await self._call("DELETE", f"/models/{part(name)}")
        return found
