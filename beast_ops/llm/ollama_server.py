# SPDX-License-Identifier: Apache-2.0
"""An Ollama server: what it has, what it says, and how models come and go.

A stream begins with 200 whatever comes of it: a failure is a line with `error`, and one that ends
before its last word was broken off.
"""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from beast_ops import http
from beast_ops.clock import SYSTEM
from beast_ops.errors import BeastError, MissingError, ServiceError
from beast_ops.resilience.door import wait
from beast_ops.resilience.policy import CHANGE, EMBED, LOOK, PULL

from . import listing
from .calls import LASTING, SERVICE
from .listing import About, InMemory, Model, Step, full
from .paces import PACES, Answered
from .talk import Chat, Ending, Message, Piece, Prompt, Tool, called
from .wire import NO_SERVER, USUAL, Asked, Deadlines, Stream, Terms, Wire

T = TypeVar("T")
Said = Mapping[str, Any]

GET = "Get it with: ollama pull {}"
DONE = "success"
NANO = 1e9
UNKNOWN = ("file does not exist", "not found")
# Without a single line; a slow transfer tells of itself all the time.
PULLING = Deadlines(first=120.0, next=120.0, whole=PULL.seconds)


class OllamaServer:
    """Asks one Ollama server; `Speaks` has what all raise that does not say more."""

    def __init__(self, client: http.AsyncClient, terms: Terms = USUAL) -> None:
        """Ask through *client* on *terms*, whose deadlines must be no longer than its own."""
        self._wire = Wire(client, terms.guards, GET)
        self._deadlines, self._policy = terms.deadlines, terms.policy

    @property
    def url(self) -> str:
        """Where it is."""
        return self._wire.url

    async def version(self) -> str:
        """Return its version."""
        return await self._look("/api/version", lambda said: str(said["version"]))

    async def models(self) -> list[str]:
        """Return the names of its models, the newest first."""
        return [each.name for each in await self.installed()]

    async def installed(self) -> list[Model]:
        """Return the models on its disk, the newest first."""
        return await self._look("/api/tags", listing.models)

    async def running(self) -> dict[str, InMemory]:
        """Return the models in its memory, by name."""
        return await self._look("/api/ps", listing.running)

    async def show(self, name: str) -> About:
        """Return what it knows of the model *name*; raises `MissingError` without it."""
        asked = Asked("/api/show", {"model": name})
        return await self._wire.ask(asked, _json(listing.about), self._deadlines.look)

    def chat(self, asked: Chat) -> AsyncGenerator[Piece | Ending]:
        """Yield the answer to *asked* in pieces, and how it ended at last."""
        body: dict[str, Any] = {
            "model": asked.model,
            "messages": [_message(each) for each in asked.messages],
            "options": asked.sampling.named("num_predict"),
            # Rather a refusal than an answer to what the server cut without a word.
            "truncate": False,
        }
        if asked.tools:
            body["tools"] = [tool(each) for each in asked.tools]
        if asked.form is not None:
            body["format"] = dict(asked.form)
        return self._answer("/api/chat", body)

    def complete(self, asked: Prompt) -> AsyncGenerator[Piece | Ending]:
        """Yield how a text goes on in pieces, and how it ended at last."""
        options = asked.sampling.named("num_predict")
        body = {"model": asked.model, "prompt": asked.text, "options": options, "truncate": False}
        return self._answer("/api/generate", body)

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each of *texts*; one that is too long is a `UsageError`."""
        body = {"model": model, "input": [*texts], "truncate": False}

        def rows(said: Said) -> list[list[float]]:
            return whole_rows(said["embeddings"], len(texts))

        return await self._wire.ask(Asked("/api/embed", body, model, EMBED), _json(rows))

    def pull(self, name: str) -> AsyncGenerator[Step]:
        """Yield how far the server is with fetching the model *name*; the last is `success`.

        It is asked once: whoever asks again goes on where that stopped.
        """
        return self._steps("/api/pull", {"model": name, "stream": True}, name, "fetched")

    def create(self, name: str, base: str, **more: Any) -> AsyncGenerator[Step]:
        """Yield how far the server is with making the model *name* out of *base*.

        Args:
            name: The new model.
            base: The one that it is made of, which is there.
            more: What else it is made of, such as `system`, `template`, `parameters`, `quantize`.
        """
        return self._steps("/api/create", {"model": name, "from": base, **more}, name, "made")

    async def copy(self, source: str, target: str) -> None:
        """Let the model *source* have the name *target*, too."""
        body = {"source": full(source), "destination": full(target)}
        await self._wire.ask(Asked("/api/copy", body, source, CHANGE), _nothing)

    async def delete(self, name: str) -> None:
        """Forget the model *name*; raises `MissingError` if it is not there."""
        asked = Asked("/api/delete", {"model": full(name)}, name, CHANGE, "DELETE")
        await self._wire.ask(asked, _nothing)

    async def _look(self, path: str, judge: Callable[[Any], T]) -> T:
        asked = Asked(path, policy=LOOK, method="GET")
        return await self._wire.ask(asked, _json(judge), self._deadlines.look)

    def _answer(self, path: str, body: Said) -> AsyncGenerator[Piece | Ending]:
        asked = Asked(path, {**body, "stream": True}, str(body["model"]), self._policy)

        read = reader_of(self._wire.url, asked.model)
        return self._wire.stream(Stream(asked, lambda: read, is_ending, self._deadlines))

    def _steps(self, path: str, body: Said, name: str, what: str) -> AsyncGenerator[Step]:
        def failed(reason: str) -> BeastError:
            return _failure(name, what, reason)

        def read(line: str) -> Step:
            said = _object(line)
            if "error" in said:
                raise failed(str(said["error"]))
            return listing.step(said)

        asked = Asked(path, body, name, PULL, refused=failed)
        broken = f"broke off while it {what} {name}"
        return self._wire.stream(Stream(asked, lambda: read, _is_done, PULLING, broken))


@asynccontextmanager
async def at(url: str, seconds: float | None = None) -> AsyncIterator[OllamaServer]:
    """Open the server at *url*.

    Args:
        url: Where it is.
        seconds: How long to wait for what it knows of its models; as usual if left out.
    """
    deadlines = Deadlines() if seconds is None else Deadlines(look=seconds)
    async with http.async_client(url, seconds=deadlines.silence) as client:
        yield OllamaServer(client, Terms(deadlines))


def once(url: str, act: Callable[[OllamaServer], Awaitable[T]], seconds: float | None = None) -> T:
    """Return what *act* makes of the server at *url*, for who is not asynchronous."""

    async def run() -> T:
        async with at(url, seconds) as server:
            return await act(server)

    return wait(run())


def tool(each: Tool) -> dict[str, Any]:
    """Return *each* as both kinds of server are told of it."""
    told = {"name": each.name, "description": each.description, "parameters": dict(each.parameters)}
    return {"type": "function", "function": told}


def whole_rows(rows: Any, count: int) -> list[list[float]]:
    """Return *rows* if they are *count* vectors of one length.

    Raises:
        ValueError: If they are not.
    """
    found = [[float(number) for number in row] for row in rows]
    if len(found) != count or len({len(row) for row in found}) > 1:
        raise ValueError("these are not the vectors of what was asked")
    return found


def _json(judge: Callable[[Any], T]) -> Callable[[http.Response], T]:
    return lambda answer: judge(answer.json())


def _nothing(_: http.Response) -> None:
    return None


def is_ending(piece: Piece | Ending) -> bool:
    """Return whether *piece* is the last one of an answer."""
    return isinstance(piece, Ending)


def _message(said: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"role": said.speaker, "content": said.text}
    if said.images:
        found["images"] = [base64.b64encode(each).decode() for each in said.images]
    if said.calls:
        found["tool_calls"] = [
            {"function": {"name": each.name, "arguments": dict(each.arguments)}}
            for each in said.calls
        ]
    if said.answers is not None:
        found["tool_name"] = said.answers.name
    return found


def reader_of(url: str, model: str) -> Callable[[str], Piece | Ending]:
    """Return what reads an answer of *model* at *url*, and notes how long it took."""

    def read(line: str) -> Piece | Ending:
        found = piece_of(line)
        if isinstance(found, Ending) and found.seconds:
            now = SYSTEM.now().timestamp()
            PACES.add(Answered(url, model, found.answer_tokens, found.seconds, now))
        return found

    return read


def piece_of(line: str) -> Piece | Ending:
    """Return what a *line* of an answer says; it may be nothing.

    Raises:
        ServiceError: If it tells of a failure: the status is 200 by then, whatever happens.
    """
    said = json.loads(line)
    if "error" in said:
        raise ServiceError(f"{SERVICE} failed: {str(said['error'])[:300]}", hint=LASTING)
    if said.get("done"):
        counts = said.get("prompt_eval_count"), said.get("eval_count")
        seconds = (listing.count(said.get("eval_duration")) or 0) / NANO
        return replace(ending(said.get("done_reason"), *counts), seconds=seconds)
    message = said["message"] if "message" in said else {"content": said["response"]}
    calls = tuple(
        called(each["function"]["name"], each["function"]["arguments"], each.get("id"))
        for each in message.get("tool_calls") or ()
    )
    return Piece(str(message.get("content") or ""), calls)


def ending(reason: Any, prompt: Any, answer: Any) -> Ending:
    """Return how an answer ended, where what was not told counts as nothing."""
    return Ending(str(reason or "stop"), int(prompt or 0), int(answer or 0))


def _is_done(step: Step) -> bool:
    return step.status == DONE


def _object(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError) as wrong:
        raise ServiceError(NO_SERVER, hint=LASTING) from wrong


def _failure(name: str, what: str, reason: str) -> BeastError:
    if any(words in reason for words in UNKNOWN):
        return MissingError(
            "there is no model of this name", subject=name, hint="Correct the list of models."
        )
    act = "fetch" if what == "fetched" else "make"
    return ServiceError(
        f"cannot {act} the model: {reason[:300]}",
        subject=name,
        hint="Type the same command again: it goes on where it stopped.",
    )
