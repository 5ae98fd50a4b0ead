# SPDX-License-Identifier: Apache-2.0
"""Chat with the models of an Ollama server, through `POST /api/chat`, piece by piece.

Whoever stops listening (closes the iterator, or is cancelled) hangs up on the server, which then
stops working on the answer.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from beast_ops import http
from beast_ops.errors import (
    BeastError,
    ConflictError,
    MissingError,
    ServiceError,
    SlowError,
    UnavailableError,
    UsageError,
)
from beast_ops.resilience import GUARDS, Guards, Policy
from beast_ops.resilience.policy import CHAT, LOOK

from .calls import LASTING, SERVICE, raise_if_busy, reason_in

CAN_WRITE = "completion"  # Ollama's own word for models that make text
WHOLE_SECONDS = 900.0
REST_SECONDS = 0.5  # an end of the connection comes with the last line
PULL = "Get it with: ollama pull {}"

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
class Ending:
    """How an answer ended (`stop`, or `length` if it was cut) and how many tokens it took."""

    reason: str
    prompt_tokens: int
    answer_tokens: int


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


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long one waits, in seconds.

    Attributes:
        first: For the first piece: the server loads the model first, for five minutes at most
            (its OLLAMA_LOAD_TIMEOUT).
        next: For each further piece.
        whole: For the whole answer.
        look: For what the server knows of its models.
    """

    first: float = 300.0
    next: float = 60.0
    whole: float = WHOLE_SECONDS
    look: float = 10.0


class ChatServer:
    """An Ollama server, as somebody who chats sees it."""

    def __init__(
        self,
        client: http.AsyncClient,
        deadlines: Deadlines | None = None,
        guards: Guards = GUARDS,
        policy: Policy = CHAT,
    ) -> None:
        """Ask through *client*, whose own deadline must be no shorter than *deadlines*.

        Args:
            client: Asks the server.
            deadlines: How long one waits.
            guards: What stands before its models.
            policy: The rules for chats.
        """
        self._client, self._deadlines, self._policy = client, deadlines or Deadlines(), policy
        self._url, self._guards = str(client.base_url), guards

    async def stream(self, asked: Request) -> AsyncGenerator[str | Ending]:
        """Yield the answer to *asked* in pieces, and how it ended at last.

        Raises:
            MissingError: If the server does not have the model.
            ConflictError: If the model cannot chat.
            UnavailableError: If the server does not answer, is busy, stops in the middle, or
                hangs up before the end.
            ServiceError: If it fails.
        """
        guard = self._guards.get(self._url, asked.model, self._policy)
        pieces = guard.stream(lambda: self._pieces(asked), self._deadlines.whole)
        ending: Ending | None = None
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, Ending):
                    ending = piece  # held back: who has it stops listening, as if giving up
                elif piece:
                    yield piece
        if ending is not None:
            yield ending

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
        found = await self._ask("GET", "/api/tags")
        names = []
        for each in found.get("models") or ():
            can = each.get("capabilities")
            if can is None:  # servers before 0.9 tell it only one by one
                can = (await self._show(str(each["name"]))).get("capabilities") or ()
            if CAN_WRITE in can:
                names.append(str(each["name"]))
        return names

    async def digests(self) -> dict[str, str]:
        """Return the digest of the weights by name of model; raises as `models` does."""
        found = await self._ask("GET", "/api/tags")
        return {str(each["name"]): str(each.get("digest")) for each in found.get("models") or ()}

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
        about = await self._show(name)
        if CAN_WRITE not in (about.get("capabilities") or (CAN_WRITE,)):
            raise ConflictError(
                "this model makes no text", subject=name, hint="Choose one that chats."
            )
        info = about.get("model_info") or {}
        context = info.get(f"{info.get('general.architecture')}.context_length")
        return ChatModel(name, context if isinstance(context, int) else None)

    async def _pieces(self, asked: Request) -> AsyncGenerator[str | Ending]:
        """Yield what each line says, the first of which may be nothing: the model is at work."""
        late = SlowError(f"{SERVICE} took too long for an answer", subject=asked.model)
        wait = self._deadlines.first
        with http.speaking_to(SERVICE, hint=LASTING):
            async with aclosing(self._lines(asked)) as lines:
                while True:
                    said = _piece(await _in_time(lines, wait, late))
                    if isinstance(said, Ending):
                        await _read_out(lines)
                        yield said
                        return
                    yield said
                    wait = self._deadlines.next

    async def _show(self, name: str) -> dict[str, Any]:
        return await self._ask("POST", "/api/show", {"model": name})

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        async def act() -> dict[str, Any]:
            with http.speaking_to(SERVICE, hint=LASTING):
                answer = await self._client.request(method, path, json=body)
            if not answer.is_success:
                raise_if_busy(answer, str((body or {}).get("model", "")))
                raise _refusal(answer, str((body or {}).get("model", "")))
            try:
                return dict(answer.json())
            except (ValueError, TypeError) as wrong:
                raise ServiceError(
                    f"{SERVICE} answered {path} with no JSON", hint=LASTING
                ) from wrong

        guard = self._guards.get(self._url, "", LOOK)
        return await guard.run(act, self._deadlines.look)

    async def _lines(self, asked: Request) -> AsyncGenerator[str]:
        async with self._client.stream("POST", "/api/chat", json=self.body(asked)) as answer:
            if not answer.is_success:
                await answer.aread()
                raise_if_busy(answer, asked.model)
                raise _refusal(answer, asked.model)
            async for line in answer.aiter_lines():
                if line:
                    yield line


async def _in_time(lines: AsyncGenerator[str], seconds: float, late: BeastError) -> str:
    """Return the next of *lines*; raise *late* if it does not come within *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            return await anext(lines)
    except TimeoutError as slow:
        raise late from slow
    except StopAsyncIteration as early:
        raise UnavailableError(
            f"{SERVICE} hung up before its answer ended", hint=LASTING
        ) from early


async def _read_out(lines: AsyncGenerator[str]) -> None:
    """Read what comes after the end, which is nothing: only then the connection serves again."""
    with suppress(TimeoutError, http.RequestError):
        async with asyncio.timeout(REST_SECONDS):
            async for _ in lines:
                pass


def _piece(line: str) -> str | Ending:
    """Return what a *line* of an answer says; it may be nothing.

    Raises:
        ServiceError: If it tells of a failure: the status is 200 by then, whatever happens.
    """
    try:
        found = json.loads(line)
        if "error" in found:
            raise ServiceError(f"{SERVICE} failed: {str(found['error'])[:300]}", hint=LASTING)
        if not found.get("done"):
            return str(found["message"]["content"])
    except (ValueError, KeyError, TypeError) as wrong:
        raise ServiceError(
            f"{SERVICE} sent no answer that can be read", hint="Is it an Ollama server?"
        ) from wrong
    counts = (found.get("prompt_eval_count"), found.get("eval_count"))
    return Ending(str(found.get("done_reason") or "stop"), *(int(each or 0) for each in counts))


def _refusal(answer: http.Response, model: str) -> BeastError:
    said, status = reason_in(answer), answer.status_code
    if status == 404:  # noqa: PLR2004 - Not Found
        return MissingError(
            "the model server does not have this model", subject=model, hint=PULL.format(model)
        )
    if status == 400:  # noqa: PLR2004 - Bad Request
        kind = ConflictError if "does not support" in said else UsageError
        return kind(f"{SERVICE} refused: {said}", subject=model)
    return ServiceError(f"{SERVICE} answered {status}: {said}", subject=model, hint=LASTING)
