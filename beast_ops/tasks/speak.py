# SPDX-License-Identifier: Apache-2.0
"""Ask the model of a task: one whole reply at a time, that somebody may interrupt."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from beast_ops import http
from beast_ops.errors import ConflictError, MissingError
from beast_ops.llm.ollama_server import OllamaServer
from beast_ops.llm.openai_server import OpenAIServer
from beast_ops.llm.talk import Chat, Ending, Message, Piece, Reply, Sampling, Speaks, Tool, ToolCall
from beast_ops.llm.wire import Deadlines, Terms

from .model import Limits

CAN_USE_TOOLS = "tools"  # Ollama's own word
LONGEST_CHARACTERS = 1_000_000  # of one reply: no model of ours may fill the memory
ANSWER_SHARE = 4  # of the context, at most, is one reply
LOOK_SECONDS = 0.5
LACKING = "does not support tools"


@dataclass(frozen=True, slots=True)
class Server:
    """Where models are; `openai` if it speaks OpenAI's API and not Ollama's."""

    url: str
    openai: bool = False


@dataclass(slots=True)
class Speaker:
    """Asks one model."""

    runner: asyncio.Runner
    server: Speaks
    model: str
    limits: Limits
    check: Callable[[], None]

    def ask(self, messages: Sequence[Message], tools: Sequence[Tool], seconds: float) -> Reply:
        """Return what the model says to *messages*.

        Args:
            messages: What was said so far.
            tools: What it may ask for.
            seconds: Until it has to be over.

        Raises:
            ConflictError: If it knows no tools.
            BeastError: As `Speaks` says.
            TimeoutError: If it was not over in time.
        """
        context = self.limits.context
        options = {} if isinstance(self.server, OpenAIServer) else {"num_ctx": context}
        sampling = Sampling(temperature=0, longest=context // ANSWER_SHARE, more=options)
        asked = Chat(self.model, tuple(messages), tuple(tools), sampling)
        try:
            return self.runner.run(self._watched(asked, seconds))
        except ConflictError as refused:
            if LACKING in str(refused):
                raise _lacking(self.model) from refused
            raise

    async def _watched(self, asked: Chat, seconds: float) -> Reply:
        task = asyncio.create_task(gathered(self.server, asked))
        try:
            async with asyncio.timeout(seconds):
                while not task.done():
                    await asyncio.wait({task}, timeout=LOOK_SECONDS)
                    self.check()
        finally:
            task.cancel()
        return await task


@contextmanager
def open_speaker(
    server: Server, model: str, limits: Limits, check: Callable[[], None]
) -> Iterator[Speaker]:
    """Open the way to *model* on *server*; *check* raises if nobody waits any more.

    Raises:
        MissingError: If the server does not have the model, or none is named and none will do.
        ConflictError: If it knows no tools.
        UnavailableError: If the server does not answer.
    """
    deadlines = Deadlines()
    with asyncio.Runner() as runner:
        client = runner.run(_opened(server.url, deadlines.silence))
        try:
            kind = OpenAIServer if server.openai else OllamaServer
            speaks = kind(client, Terms(deadlines))
            chosen = runner.run(_chosen(speaks, model))
            yield Speaker(runner, speaks, chosen, limits, check)
        finally:
            runner.run(client.aclose())


async def gathered(server: Speaks, asked: Chat) -> Reply:
    """Return the reply to *asked*; one that does not end is cut."""
    parts: list[str] = []
    calls: list[ToolCall] = []
    size = 0
    async with aclosing(server.chat(asked)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Ending):
                return Reply("".join(parts), piece, tuple(calls))
            parts.append(piece.text)
            calls += piece.calls
            size += _size(piece)
            if size > LONGEST_CHARACTERS:
                break
    return Reply("".join(parts), Ending("length", 0, 0), tuple(calls))


def _size(piece: Piece) -> int:
    return len(piece.text) + sum(len(str(each.arguments)) + len(each.name) for each in piece.calls)


async def _opened(url: str, seconds: float) -> http.AsyncClient:
    return http.async_client(url, seconds=seconds)


async def _chosen(server: OllamaServer | OpenAIServer, model: str) -> str:
    """Return the model to ask: *model*, or the newest that knows tools."""
    if isinstance(server, OpenAIServer):
        names = [model] if model else await server.models()
        if not names:
            raise MissingError("the model server has no model", hint="Load one, then try again.")
        return names[0]
    if model:
        known = (await server.show(model)).capabilities
        if known is not None and CAN_USE_TOOLS not in known:
            raise _lacking(model)
        return model
    able = [
        each.name for each in await server.installed() if CAN_USE_TOOLS in (each.capabilities or ())
    ]
    if not able:
        raise MissingError(
            "the model server has no model that can use tools",
            hint="Get one, such as: ./beast models.pull qwen3:4b",
        )
    return able[0]


def _lacking(model: str) -> ConflictError:
    return ConflictError(
        "this model cannot use tools",
        subject=model,
        hint="Name another one with --model; ollama.com lists those with tools.",
    )
