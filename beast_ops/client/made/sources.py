# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.sources`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .sources_types import SourceModel, SourcesModel, TextBody, UrlBody
    from .sources_types import ListQuery


class Sources(Room):
    """Operations of the API: sources."""

    def add(self, notebook: str, body: TextBody | UrlBody, /) -> SourceModel:
        """Add a text, or the page behind an address; it is read in the background."""
        found: SourceModel = self._call("POST", f"/notebooks/{part(notebook)}/sources", body=body)
        return found

    def list(self, notebook: str, /, **query: Unpack[ListQuery]) -> SourcesModel:
        """List the sources of a notebook, the newest first."""
        found: SourcesModel = self._call("GET", f"/notebooks/{part(notebook)}/sources", query=query)
        return found

    def send(self, notebook: str, name: str, content: Content, /) -> SourceModel:
        """Add a file: its content is the body, as it is; it is read in the background."""
        found: SourceModel = self._call("PUT", f"/notebooks/{part(notebook)}/files/{part(name)}", content=content)
        return found

    def get(self, notebook: str, source: str, /) -> SourceModel:
        """Tell where a source stands."""
        found: SourceModel = self._call("GET", f"/notebooks/{part(notebook)}/sources/{part(source)}")
        return found

    def delete(self, notebook: str, source: str, /) -> None:
        """Delete a source; searches find it no more, and its passages leave the collection."""
        self._call("DELETE", f"/notebooks/{part(notebook)}/sources/{part(source)}")
