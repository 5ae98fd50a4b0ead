# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.events`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .events_types import EventsModel
    from .events_types import ListQuery, StreamQuery


class AsyncEvents(AsyncRoom):
    """Operations of the API: events."""

    async def list(self, /, **query: Unpack[ListQuery]) -> EventsModel:
        """List events."""
        found: EventsModel = await self._call("GET", "/events", query=query)
        return found

    def stream(self, /, **query: Unpack[StreamQuery]) -> AsyncIterator[Message]:
        """Follow events, as it comes."""
        return self._stream("GET", "/events/stream", query=query)
