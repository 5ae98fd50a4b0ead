# SPDX-License-Identifier: Apache-2.0
"""What the rooms of the client stand on: each method is one request."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from .asked import Asked
from .sse import Message

Content = Iterable[bytes]
AsyncContent = AsyncIterable[bytes] | bytes


def part(value: object) -> str:
    """Return *value* as one part of a path."""
    return quote(str(value), safe="")


class Caller(Protocol):
    """Whoever asks and waits."""

    def call(self, asked: Asked) -> Any:
        """Return what the API answers."""

    def messages(self, asked: Asked) -> Iterator[Message]:
        """Yield the events of the answer."""


class AsyncCaller(Protocol):
    """Whoever asks and is awaited."""

    async def call(self, asked: Asked) -> Any:
        """Return what the API answers."""

    def messages(self, asked: Asked) -> AsyncIterator[Message]:
        """Yield the events of the answer."""


class Room:
    """Operations of one kind."""

    def __init__(self, caller: Caller) -> None:
        """Ask through *caller*."""
        self._caller = caller

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content: Content | None = None,
    ) -> Any:
        return self._caller.call(Asked(method, path, query, body, content))

    def _stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        stream: bool = False,
    ) -> Iterator[Message]:
        body = {**body, "stream": True} if stream else body
        return self._caller.messages(Asked(method, path, query, body))


class AsyncRoom:
    """Operations of one kind, to be awaited."""

    def __init__(self, caller: AsyncCaller) -> None:
        """Ask through *caller*."""
        self._caller = caller

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content: AsyncContent | None = None,
    ) -> Any:
        return await self._caller.call(Asked(method, path, query, body, content))

    def _stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        stream: bool = False,
    ) -> AsyncIterator[Message]:
        body = {**body, "stream": True} if stream else body
        return self._caller.messages(Asked(method, path, query, body))
