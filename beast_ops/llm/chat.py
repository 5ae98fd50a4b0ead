# SPDX-License-Identifier: Apache-2.0
"""Chat with the models of an Ollama server, through `POST /api/chat`, piece by piece.

Whoever stops listening (closes the iterator, or is cancelled) hangs up on the server, which then
stops working on the answer.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from beast_ops import http
from beast_ops.errors import ConflictError

from .ollama_server import GET, OllamaServer, is_ending, reader_of
from .talk import Ending, Piece
from .wire import USUAL, WHOLE_SECONDS, Asked, Deadlines, Stream, Terms, Wire

__all__ = [
    "WHOLE_SECONDS",
    "ChatModel",
    "ChatServer",
    "Deadlines",
    "Ending",
    "Request",
    "Said",
    "Terms",
    "Turn",
]

CAN_WRITE = "completion"  # Ollama's own word for models that make text

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is to go on from; *options* are Ollama's, such as `num_ctx`."""

    model: str
    turns: Sequence[Turn]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A whole answer."""

    text: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A model that writes, and how many tokens it can see at once, if the server knows."""

    name: str
    context: int | None


class ChatServer:
    """An Ollama server, as somebody who chats sees it."""

    def __init__(self, client: http.AsyncClient, terms: Terms = USUAL) -> None:
        """Ask through *client* on *terms*, whose deadlines must be no longer than its own."""
        self._deadlines, self._policy = terms.deadlines, terms.policy
        self._wire = Wire(client, terms.guards, GET)
        self._server = OllamaServer(client, terms)

    async def stream(self, asked: Request) -> AsyncGenerator[str | Ending]:
        """Yield the answer to *asked* in pieces, and how it ended at last.

        Raises:
            MissingError: If the server does not have the model.
            ConflictError: If the model cannot chat.
            UnavailableError: If the server does not answer, is busy, stops in the middle, or
                hangs up before the end.
            ServiceError: If it fails.
        """
        sent = Asked("/api/chat", self.body(asked), asked.model, self._policy)
        read = reader_of(self._wire.url, asked.model)
        wanted: Stream[Piece | Ending] = Stream(sent, lambda: read, is_ending, self._deadlines)
        async with aclosing(self._wire.stream(wanted)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Ending):
                    yield piece
                elif piece.text:
                    yield piece.text

    async def whole(self, asked: Request) -> Said:
        """Return the whole answer to *asked*; raises as `stream` does."""
        parts: list[str] = []
        async with aclosing(self.stream(asked)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Ending):
                    return Said("".join(parts), piece)
                parts.append(piece)
        raise AssertionError("a stream ends or raises")  # pragma: no cover

    async def models(self) -> list[str]:
        """Return the names of the models that can write, the newest first.

        Raises:
            UnavailableError: If the server does not answer.
            ServiceError: If it answers with something else.
        """
        names = []
        for each in await self._server.installed():
            can = each.capabilities
            if can is None:  # servers before 0.9 tell it only one by one
                can = (await self._server.show(each.name)).capabilities or ()
            if CAN_WRITE in can:
                names.append(each.name)
        return names

    async def digests(self) -> dict[str, str]:
        """Return the digest of the weights by name of model; raises as `models` does."""
        return {each.name: each.digest for each in await self._server.installed()}

    @staticmethod
    def body(asked: Request) -> dict[str, Any]:
        """Return what is sent to ask *asked*."""
        return {
            "model": asked.model,
            "messages": [{"role": turn.role, "content": turn.text} for turn in asked.turns],
            "options": dict(asked.options),
            "stream": True,
            # Rather a refusal than an answer to what the server cut without a word.
            "truncate": False,
        }

    async def model(self, name: str) -> ChatModel:
        """Return what the server knows of the model *name*.

        Raises:
            MissingError: If it does not have it.
            ConflictError: If that model does not write.
            BeastError: As `models`.
        """
        about = await self._server.show(name)
        if CAN_WRITE not in (about.capabilities or (CAN_WRITE,)):
            raise ConflictError(
                "this model makes no text", subject=name, hint="Choose one that chats."
            )
        return ChatModel(name, about.context)
