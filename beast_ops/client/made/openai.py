# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.openai`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .openai_types import ChatBody, Completion, ModelList, ModelRow


class Openai(Room):
    """Operations of the API: openai."""

    def models(self, /) -> ModelList:
        """List the collections one can chat with, as models."""
        found: ModelList = self._call("GET", "/v1/models")
        return found

    def model(self, model: str, /) -> ModelRow:
        """Tell of one collection as a model."""
        found: ModelRow = self._call("GET", f"/v1/models/{part(model)}")
        return found

    def complete(self, /, **body: Unpack[ChatBody]) -> Completion:
        """Answer a question from the documents of a collection, citing passages by number."""
        found: Completion = self._call("POST", "/v1/chat/completions", body=body)
        return found

    def complete_streamed(self, /, **body: Unpack[ChatBody]) -> Iterator[Message]:
        """Answer a question from the documents of a collection, citing passages by number, as it comes."""
        return self._stream("POST", "/v1/chat/completions", body=body, stream=True)
