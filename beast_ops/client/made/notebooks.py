# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.notebooks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .notebooks_types import NotebookBody, NotebookChange, NotebookModel, NotebooksModel
    from .notebooks_types import ListQuery


class Notebooks(Room):
    """Operations of the API: notebooks."""

    def create(self, /, **body: Unpack[NotebookBody]) -> NotebookModel:
        """Make a notebook."""
        found: NotebookModel = self._call("POST", "/notebooks", body=body)
        return found

    def list(self, /, **query: Unpack[ListQuery]) -> NotebooksModel:
        """List notebooks, the newest change first."""
        found: NotebooksModel = self._call("GET", "/notebooks", query=query)
        return found

    def get(self, notebook: str, /) -> NotebookModel:
        """Tell of one notebook."""
        found: NotebookModel = self._call("GET", f"/notebooks/{part(notebook)}")
        return found

    def change(self, notebook: str, /, **body: Unpack[NotebookChange]) -> NotebookModel:
        """Give a notebook another name or description."""
        found: NotebookModel = self._call("PATCH", f"/notebooks/{part(notebook)}", body=body)
        return found

    def delete(self, notebook: str, /) -> None:
        """Delete a notebook with its sources, sessions and results; searches find them no more."""
        self._call("DELETE", f"/notebooks/{part(notebook)}")
