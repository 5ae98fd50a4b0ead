# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.chat`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .chat_types import CollectionSessionBody, MessagesModel, QuestionBody, SessionsModel, SessionsSessionBody, SessionsSessionModel
    from .chat_types import AboutQuery, ListQuery, MessagesQuery


class AsyncChat(AsyncRoom):
    """Operations of the API: chat."""

    async def begin(self, notebook: str, /, **body: Unpack[SessionsSessionBody]) -> SessionsSessionModel:
        """Begin a conversation about the sources of a notebook."""
        found: SessionsSessionModel = await self._call("POST", f"/notebooks/{part(notebook)}/sessions", body=body)
        return found

    async def about(self, notebook: str, /, **query: Unpack[AboutQuery]) -> SessionsModel:
        """List the conversations about a notebook, the newest first."""
        found: SessionsModel = await self._call("GET", f"/notebooks/{part(notebook)}/sessions", query=query)
        return found

    async def begin_on(self, /, **body: Unpack[CollectionSessionBody]) -> SessionsSessionModel:
        """Begin a conversation about all documents of a collection."""
        found: SessionsSessionModel = await self._call("POST", "/sessions", body=body)
        return found

    async def list(self, /, **query: Unpack[ListQuery]) -> SessionsModel:
        """List the conversations about collections, the newest first."""
        found: SessionsModel = await self._call("GET", "/sessions", query=query)
        return found

    async def get(self, session: str, /) -> SessionsSessionModel:
        """Tell of one conversation."""
        found: SessionsSessionModel = await self._call("GET", f"/sessions/{part(session)}")
        return found

    async def delete(self, session: str, /) -> None:
        """Delete a conversation with all that was said."""
        await self._call("DELETE", f"/sessions/{part(session)}")

    async def messages(self, session: str, /, **query: Unpack[MessagesQuery]) -> MessagesModel:
        """List what was said, the oldest first."""
        found: MessagesModel = await self._call("GET", f"/sessions/{part(session)}/messages", query=query)
        return found

    def ask(self, session: str, /, **body: Unpack[QuestionBody]) -> AsyncIterator[Message]:
        """Ask, and get the answer piece by piece, with citations that were checked, as it comes."""
        return self._stream("POST", f"/sessions/{part(session)}/messages", body=body)
