# SPDX-License-Identifier: Apache-2.0
"""The line to a server of models: every call through its guard, every failure in our own words.

Whoever stops listening (closes the iterator, or is cancelled) hangs up on the server, which then
stops working on the answer.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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

T = TypeVar("T")

WHOLE_SECONDS = 900.0
REST_SECONDS = 0.5  # an end of the connection comes with the last line
NO_SERVER = "does not answer like a model server"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long one waits, in seconds.

    Attributes:
        first: For the first piece: the server loads the model first, for five minutes at most
            (Ollama's OLLAMA_LOAD_TIMEOUT).
        next: For each further piece.
        whole: For the whole answer.
        look: For what the server knows of its models.
    """

    first: float = 300.0
    next: float = 60.0
    whole: float = WHOLE_SECONDS
    look: float = 10.0

    @property
    def silence(self) -> float:
        """The longest silence that any of them allows."""
        return max(self.first, self.next, self.look)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a server is asked.

    Attributes:
        deadlines: How long one waits.
        guards: What stands before its models.
        policy: The rules for answers.
    """

    deadlines: Deadlines = Deadlines()
    guards: Guards = GUARDS
    policy: Policy = CHAT


USUAL = Terms()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        path: What is asked.
        body: What is sent.
        model: With `policy` it decides which guard the request passes.
        policy: The rules of the guard.
        method: How it is asked.
        refused: Makes the error of a reason, where a refusal means something of its own.
    """

    path: str
    body: Mapping[str, Any] | None = None
    model: str = ""
    policy: Policy = LOOK
    method: str = "POST"
    refused: Callable[[str], BeastError] | None = None

    @property
    def subject(self) -> str:
        """The model it is about, which may have no guard of its own."""
        return self.model or str((self.body or {}).get("model", ""))


@dataclass(frozen=True, slots=True)
class Stream(Generic[T]):
    """A request that is answered in lines.

    Attributes:
        asked: The request.
        reader: Makes, for each attempt, what turns a line into a piece, or into nothing.
        over: Whether a piece is the last one; a stream without it was broken off.
        deadlines: How long one waits.
        broken: What the server did if there was no last piece.
    """

    asked: Asked
    reader: Callable[[], Callable[[str], T | None]]
    over: Callable[[T], bool]
    deadlines: Deadlines
    broken: str = "hung up before its answer ended"


class Wire:
    """Asks one server of models."""

    def __init__(self, client: http.AsyncClient, guards: Guards = GUARDS, way: str = "") -> None:
        """Ask through *client*, whose own deadline must be no shorter than those of the calls.

        Args:
            client: Asks the server.
            guards: What stands before its models.
            way: What to do about a model that is not there; `{}` stands for its name.
        """
        self.url = str(client.base_url)
        self._client, self._guards, self._way = client, guards, way

    async def ask(
        self, asked: Asked, judge: Callable[[http.Response], T], seconds: float | None = None
    ) -> T:
        """Return what *judge* makes of the answer to *asked*.

        Args:
            asked: The request.
            judge: Makes a value of an answer; what it cannot read raises as Python does.
            seconds: Until it has to be over; as the policy says if left out.

        Raises:
            UnavailableError: If the server does not answer in time, is busy, or left alone.
            MissingError: If it does not have the model.
            UsageError: If it cannot do that.
            ServiceError: If it fails, or answers with something else.
        """

        async def act() -> T:
            with http.speaking_to(SERVICE, hint=LASTING):
                answer = await self._client.request(asked.method, asked.path, json=asked.body)
            self._judge(answer, asked)
            try:
                return judge(answer)
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as wrong:
                raise ServiceError(NO_SERVER, subject=self.url, hint=LASTING) from wrong

        guard = self._guards.get(self.url, asked.model, asked.policy)
        return await guard.run(act, seconds)

    async def stream(self, wanted: Stream[T]) -> AsyncGenerator[T]:
        """Yield what the lines of an answer say; raises as `ask` does.

        The last one comes when the call is over: who has it stops listening, as if giving up.
        """
        asked = wanted.asked
        guard = self._guards.get(self.url, asked.model, asked.policy)
        pieces = guard.stream(lambda: self._pieces(wanted), wanted.deadlines.whole)
        last: list[T] = []
        async with aclosing(pieces):
            async for piece in pieces:
                if wanted.over(piece):
                    last = [piece]
                else:
                    yield piece
        for piece in last:
            yield piece

    async def _pieces(self, wanted: Stream[T]) -> AsyncGenerator[T]:
        name = wanted.asked.model
        late = SlowError(f"{SERVICE} took too long for an answer", subject=name)
        early = UnavailableError(f"{SERVICE} {wanted.broken}", subject=name, hint=LASTING)
        wait, read = wanted.deadlines.first, wanted.reader()
        with http.speaking_to(SERVICE, hint=LASTING):
            async with aclosing(self._lines(wanted.asked)) as lines:
                while True:
                    piece = _read(read, await _in_time(lines, wait, late, early))
                    if piece is None:
                        continue
                    if wanted.over(piece):
                        await _read_out(lines)
                        yield piece
                        return
                    yield piece
                    wait = wanted.deadlines.next

    async def _lines(self, asked: Asked) -> AsyncGenerator[str]:
        async with self._client.stream(asked.method, asked.path, json=asked.body) as answer:
            if not answer.is_success:
                await answer.aread()
                self._judge(answer, asked)
            async for line in answer.aiter_lines():
                if line:
                    yield line

    def _judge(self, answer: http.Response, asked: Asked) -> None:
        if answer.is_success:
            return
        raise_if_busy(answer, asked.subject)
        if asked.refused is not None:
            raise asked.refused(reason_in(answer))
        raise _refusal(answer, asked.subject, self._way.format(asked.subject))


def _read(read: Callable[[str], T | None], line: str) -> T | None:
    try:
        return read(line)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as wrong:
        raise ServiceError(
            f"{SERVICE} sent no answer that can be read", hint="Is it a model server?"
        ) from wrong


async def _in_time(
    lines: AsyncGenerator[str], seconds: float, late: BeastError, early: BeastError
) -> str:
    """Return the next of *lines*.

    Raises *late* if it does not come within *seconds*, and *early* if there is none.
    """
    try:
        async with asyncio.timeout(seconds):
            return await anext(lines)
    except TimeoutError as slow:
        raise late from slow
    except StopAsyncIteration as over:
        raise early from over


async def _read_out(lines: AsyncGenerator[str]) -> None:
    """Read what comes after the end, which is nothing: only then the connection serves again."""
    with suppress(TimeoutError, http.RequestError):
        async with asyncio.timeout(REST_SECONDS):
            async for _ in lines:
                pass


def _refusal(answer: http.Response, model: str, way: str) -> BeastError:
    said, status = reason_in(answer), answer.status_code
    if status == 404:  # noqa: PLR2004 - Not Found
        return MissingError("the model server does not have this model", subject=model, hint=way)
    if status == 400:  # noqa: PLR2004 - Bad Request
        kind = ConflictError if "does not support" in said else UsageError
        return kind(f"{SERVICE} refused: {said}", subject=model)
    return ServiceError(f"{SERVICE} answered {status}: {said}", subject=model, hint=LASTING)
