# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.collections`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .collections_types import CollectionsModel, DocumentsModel, DuplicatesModel, EvaluateBody, JobModel, ReembedBody
    from .collections_types import DocumentsQuery, DuplicatesQuery


class AsyncCollections(AsyncRoom):
    """Operations of the API: collections."""

    async def list(self, /) -> CollectionsModel:
        """List the collections with their sizes."""
        found: CollectionsModel = await self._call("GET", "/collections")
        return found

    async def duplicates(self, collection: str, /, **query: Unpack[DuplicatesQuery]) -> DuplicatesModel:
        """Tell which documents of a collection say the same, or nearly: so much of it at least."""
        found: DuplicatesModel = await self._call("GET", f"/collections/{part(collection)}/duplicates", query=query)
        return found

    async def documents(self, collection: str, /, **query: Unpack[DocumentsQuery]) -> DocumentsModel:
        """List the documents of a collection."""
        found: DocumentsModel = await self._call("GET", f"/collections/{part(collection)}/documents", query=query)
        return found

    async def reembed(self, collection: str, /, **body: Unpack[ReembedBody]) -> JobModel:
        """Fill a second collection with vectors of another model, switch to it, or drop it."""
        found: JobModel = await self._call("POST", f"/collections/{part(collection)}/reembed", body=body)
        return found

    async def evaluate(self, collection: str, /, **body: Unpack[EvaluateBody]) -> JobModel:
        """Ask golden questions of a collection by a job, whose result says in figures how it went."""
        found: JobModel = await self._call("POST", f"/collections/{part(collection)}/evaluate", body=body)
        return found
