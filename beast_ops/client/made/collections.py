# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.collections`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .collections_types import CollectionsModel, DocumentsModel, DuplicatesModel, EvaluateBody, JobModel, ReembedBody
    from .collections_types import DocumentsQuery, DuplicatesQuery


class Collections(Room):
    """Operations of the API: collections."""

    def list(self, /) -> CollectionsModel:
        """List the collections with their sizes."""
        found: CollectionsModel = self._call("GET", "/collections")
        return found

    def duplicates(self, collection: str, /, **query: Unpack[DuplicatesQuery]) -> DuplicatesModel:
        """Tell which documents of a collection say the same, or nearly: so much of it at least."""
        found: DuplicatesModel = self._call("GET", f"/collections/{part(collection)}/duplicates", query=query)
        return found

    def documents(self, collection: str, /, **query: Unpack[DocumentsQuery]) -> DocumentsModel:
        """List the documents of a collection."""
        found: DocumentsModel = self._call("GET", f"/collections/{part(collection)}/documents", query=query)
        return found

    def reembed(self, collection: str, /, **body: Unpack[ReembedBody]) -> JobModel:
        """Fill a second collection with vectors of another model, switch to it, or drop it."""
        found: JobModel = self._call("POST", f"/collections/{part(collection)}/reembed", body=body)
        return found

    def evaluate(self, collection: str, /, **body: Unpack[EvaluateBody]) -> JobModel:
        """Ask golden questions of a collection by a job, whose result says in figures how it went."""
        found: JobModel = self._call("POST", f"/collections/{part(collection)}/evaluate", body=body)
        return found
