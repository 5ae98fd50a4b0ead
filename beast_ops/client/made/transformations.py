# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.transformations`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .transformations_types import ResultModel, ResultsModel, TransformationBody
    from .transformations_types import ListQuery


class Transformations(Room):
    """Operations of the API: transformations."""

    def begin(self, notebook: str, /, **body: Unpack[TransformationBody]) -> ResultModel:
        """Have a text made of sources by a job, which cites the passages that it rests on."""
        found: ResultModel = self._call("POST", f"/notebooks/{part(notebook)}/transformations", body=body)
        return found

    def list(self, notebook: str, /, **query: Unpack[ListQuery]) -> ResultsModel:
        """List what was made of a notebook, the newest first."""
        found: ResultsModel = self._call("GET", f"/notebooks/{part(notebook)}/transformations", query=query)
        return found

    def get(self, notebook: str, result: str, /) -> ResultModel:
        """Show what was made, or how far it is."""
        found: ResultModel = self._call("GET", f"/notebooks/{part(notebook)}/transformations/{part(result)}")
        return found

    def delete(self, notebook: str, result: str, /) -> None:
        """Delete what was made; if it is still being made, that ends."""
        self._call("DELETE", f"/notebooks/{part(notebook)}/transformations/{part(result)}")

    def follow(self, notebook: str, result: str, /) -> Iterator[Message]:
        """Follow how it comes to be: events `progress`, `text`, `again` (from the start), `ended`, as it comes."""
        return self._stream("GET", f"/notebooks/{part(notebook)}/transformations/{part(result)}/events")

    def cancel(self, notebook: str, result: str, /) -> ResultModel:
        """Have it made no more: at once if it waits, soon if it runs."""
        found: ResultModel = self._call("POST", f"/notebooks/{part(notebook)}/transformations/{part(result)}/cancel")
        return found
