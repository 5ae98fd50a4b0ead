# SPDX-License-Identifier: Apache-2.0
"""A server that speaks OpenAI's API, such as llama.cpp's or vLLM.

Streams are events (`data: {…}`) that end with `data: [DONE]`; one that ends without was broken
off. A failure on the way is an event with `error`, or a line `error: {…}` of older llama.cpp. How
many tokens it took comes in an event of its own, after the one that says why it ended.
"""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from beast_ops import http
from beast_ops.errors import ServiceError
from beast_ops.resilience.policy import EMBED, LOOK

from .calls import LASTING, SERVICE
from .ollama_server import ending, is_ending, tool, whole_rows
from .talk import Chat, Ending, Message, Piece, Prompt, ToolCall, called
from .wire import USUAL, Asked, Stream, Terms, Wire

WAY = "See which it has: GET /v1/models"
DATA, FAILED, OVER = "data:", "error:", "[DONE]"
# By the first bytes of a file; what is none of these is told as PNG.
IMAGES = {b"\xff\xd8": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}


class OpenAIServer:
    """Asks one server; `Speaks` has what all raise."""

    def __init__(self, client: http.AsyncClient, terms: Terms = USUAL) -> None:
        """Ask through *client* on *terms*, whose deadlines must be no longer than its own.

        The address of *client* may end in `/v1` or not.
        """
        self._wire = Wire(client, terms.guards, WAY)
        self._root = "" if self._wire.url.rstrip("/").endswith("/v1") else "/v1"
        self._deadlines, self._policy = terms.deadlines, terms.policy

    @property
    def url(self) -> str:
        """Where it is."""
        return self._wire.url

    async def models(self) -> list[str]:
        """Return the names of its models."""
        asked = Asked(f"{self._root}/models", policy=LOOK, method="GET")
        return await self._wire.ask(
            asked,
            lambda answer: [str(each["id"]) for each in answer.json()["data"]],
            self._deadlines.look,
        )

    def chat(self, asked: Chat) -> AsyncGenerator[Piece | Ending]:
        """Yield the answer to *asked* in pieces, and how it ended at last; calls come whole."""
        body: dict[str, Any] = {
            "model": asked.model,
            "messages": [_message(each) for each in asked.messages],
            **asked.sampling.named("max_tokens"),
        }
        if asked.tools:
            body["tools"] = [tool(each) for each in asked.tools]
        if asked.form is not None:
            form = {"name": "answer", "schema": dict(asked.form), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return self._answer("/chat/completions", body)

    def complete(self, asked: Prompt) -> AsyncGenerator[Piece | Ending]:
        """Yield how a text goes on in pieces, and how it ended at last."""
        body = {"model": asked.model, "prompt": asked.text, **asked.sampling.named("max_tokens")}
        return self._answer("/completions", body)

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each of *texts*."""
        body = {"model": model, "input": [*texts], "encoding_format": "float"}

        def rows(answer: http.Response) -> list[list[float]]:
            found = sorted(answer.json()["data"], key=lambda each: int(each["index"]))
            return whole_rows([each["embedding"] for each in found], len(texts))

        return await self._wire.ask(Asked(f"{self._root}/embeddings", body, model, EMBED), rows)

    def _answer(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Piece | Ending]:
        sent = {**body, "stream": True, "stream_options": {"include_usage": True}}
        asked = Asked(f"{self._root}{path}", sent, str(body["model"]), self._policy)
        return self._wire.stream(Stream(asked, lambda: _Events().read, is_ending, self._deadlines))


@asynccontextmanager
async def at(url: str) -> AsyncIterator[OpenAIServer]:
    """Open the server at *url*, which may be a `http.Guarded` one."""
    async with http.async_client(url, seconds=USUAL.deadlines.silence) as client:
        yield OpenAIServer(client)


class _Events:
    """Reads the events of one answer; calls of tools come in crumbs and are handed on whole."""

    def __init__(self) -> None:
        self._reason: Any = None
        self._usage: Mapping[str, Any] = {}
        self._calls: dict[int, dict[str, str]] = {}

    def read(self, line: str) -> Piece | Ending | None:
        """Return what a *line* says; nothing if it is no event, or says nothing.

        Raises:
            ServiceError: If it tells of a failure.
        """
        if line.startswith(FAILED):
            raise _failure(json.loads(line.removeprefix(FAILED)))
        if not line.startswith(DATA):
            _require_harmless(line)
            return None
        said = line.removeprefix(DATA).strip()
        if said == OVER:
            usage = self._usage
            return ending(self._reason, usage.get("prompt_tokens"), usage.get("completion_tokens"))
        event = dict(json.loads(said))
        if event.get("error"):
            raise _failure(event["error"])
        self._usage = event.get("usage") or self._usage
        choices = event["choices"]
        return self._choice(choices[0]) if choices else None

    def _choice(self, choice: Mapping[str, Any]) -> Piece:
        self._reason = choice.get("finish_reason") or self._reason
        if "text" in choice:
            return Piece(str(choice["text"] or ""))
        delta = choice.get("delta") or {}
        for crumb in delta.get("tool_calls") or ():
            self._gather(crumb)
        calls = self._whole() if choice.get("finish_reason") else ()
        return Piece(str(delta.get("content") or ""), calls)

    def _gather(self, crumb: Mapping[str, Any]) -> None:
        empty = {"id": "", "name": "", "arguments": ""}
        kept = self._calls.setdefault(int(crumb.get("index") or 0), empty)
        told = crumb.get("function") or {}
        kept["id"] += str(crumb.get("id") or "")
        kept["name"] += str(told.get("name") or "")
        kept["arguments"] += str(told.get("arguments") or "")

    def _whole(self) -> tuple[ToolCall, ...]:
        found = [self._calls[number] for number in sorted(self._calls)]
        self._calls = {}
        return tuple(called(each["name"], each["arguments"], each["id"]) for each in found)


def _require_harmless(line: str) -> None:
    """Return if *line* is a comment or a field of an event that says nothing of an answer.

    Raises:
        ValueError: If it is no line of events.
    """
    if not line.startswith((":", "event:", "id:", "retry:")):
        raise ValueError("this is no stream of events")


def _failure(said: Any) -> ServiceError:
    reason = said.get("message", said) if isinstance(said, dict) else said
    return ServiceError(f"{SERVICE} failed: {str(reason)[:300]}", hint=LASTING)


def _message(said: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"role": said.speaker, "content": said.text}
    if said.images:
        words = [{"type": "text", "text": said.text}] if said.text else []
        found["content"] = [*words, *(_image(each) for each in said.images)]
    if said.calls:
        found["tool_calls"] = [_call(each) for each in said.calls]
    if said.answers is not None:
        found["tool_call_id"] = said.answers.id
    return found


def _call(call: ToolCall) -> dict[str, Any]:
    told = {"name": call.name, "arguments": json.dumps(dict(call.arguments))}
    return {"id": call.id, "type": "function", "function": told}


def _image(data: bytes) -> dict[str, Any]:
    kind = next((kind for head, kind in IMAGES.items() if data.startswith(head)), "png")
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}
