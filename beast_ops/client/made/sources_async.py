# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.sources`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .sources_types import SourceModel, SourcesModel, TextBody, UrlBody
    from .sources_types import ListQuery


class AsyncSources(AsyncRoom):
    """Operations of the API: sources."""

    async def add(self, notebook: str, body: TextBody | UrlBody, /) -> SourceModel:
        """Add a text, or the page behind an address; it is read in the background."""
        found: SourceModel = await self._call("POST", f"/notebooks/{part(notebook)}/sources", body=body)
        return found

    async def list(self, notebook: str, /, **query: Unpack[ListQuery]) -> SourcesModel:
        """List the sources of a notebook, the newest first."""
        found: SourcesModel = await self._call("GET", f"/notebooks/{part(notebook)}/sources", query=query)
        return found

    async def send(self, notebook: str, name: str, content: AsyncContent, /) -> SourceModel:
        """Add a file: its content is the body, as it is; it is read in the background."""
        found: SourceModel = await self._call("PUT", f"/notebooks/{part(notebook)}/files/{part(name)}", content=content)
        return found

    async def get(self, notebook: str, source: str, /) -> SourceModel:
        """Tell where a source stands."""
        found: SourceModel = await self._call("GET", f"/notebooks/{part(notebook)}/sources/{part(source)}")
        return found

    async def delete(self, notebook: str, source: str, /) -> None:
        """Delete a source; searches find it no more, and its passages leave the collection."""
        await self._call("DELETE", f"/notebooks/{part(notebook)}/sources/{part(source)}")
