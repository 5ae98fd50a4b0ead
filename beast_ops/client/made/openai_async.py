# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.openai`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .openai_types import ChatBody, Completion, ModelList, ModelRow


class AsyncOpenai(AsyncRoom):
    """Operations of the API: openai."""

    async def models(self, /) -> ModelList:
        """List the collections one can chat with, as models."""
        found: ModelList = await self._call("GET", "/v1/models")
        return found

    async def model(self, model: str, /) -> ModelRow:
        """Tell of one collection as a model."""
        found: ModelRow = await self._call("GET", f"/v1/models/{part(model)}")
        return found

    async def complete(self, /, **body: Unpack[ChatBody]) -> Completion:
        """Answer a question from the documents of a collection, citing passages by number."""
        found: Completion = await self._call("POST", "/v1/chat/completions", body=body)
        return found

    def complete_streamed(self, /, **body: Unpack[ChatBody]) -> AsyncIterator[Message]:
        """Answer a question from the documents of a collection, citing passages by number, as it comes."""
        return self._stream("POST", "/v1/chat/completions", body=body, stream=True)
