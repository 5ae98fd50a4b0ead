# SPDX-License-Identifier: Apache-2.0
"""Whole answers of a model server, made no more than once where they would be the same."""

import json
from dataclasses import dataclass, replace
from typing import Literal

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import MissingError

from .answers import AnswerCache, deterministic, key_of
from .chat import ChatServer, Ending, Request, Said
from .flights import Flights
from .ollama import tagged
from .ollama_server import GET

PATH = "/api/chat"
FRESH_SECONDS = 5.0  # for so long a model may be another one without anybody noticing

Source = Literal["model", "cache", "shared"]


@dataclass(frozen=True, slots=True)
class Got:
    """An answer, and where it came from.

    Attributes:
        said: The answer.
        source: `model` if it was made for this, `cache` if it was made before, `shared` if
            somebody else asked for the same at the same time.
    """

    said: Said
    source: Source


class Remembering:
    """Asks a model server through a cache; for one event loop."""

    def __init__(
        self, server: ChatServer, cache: AnswerCache | None, clock: Clock = SYSTEM
    ) -> None:
        """Ask *server* for what *cache* does not know; for everything if there is none."""
        self._server, self._cache, self._clock = server, cache, clock
        self._flights: Flights[Said] = Flights()
        self._digests: Flights[dict[str, str]] = Flights()
        self._known: tuple[float, dict[str, str]] | None = None

    async def answer(self, asked: Request, *, always: bool = False) -> Got:
        """Return the whole answer to *asked*.

        Args:
            asked: What to ask.
            always: Whether to remember also what a model would say otherwise the next time.

        Raises:
            BeastError: As `ChatServer.stream`.
        """
        cache = self._cache
        if cache is None or not (always or deterministic(asked.options)):
            return Got(await self._server.whole(asked), "model")
        digest = await self._digest(asked.model)
        key = key_of(digest, PATH, self._server.body(replace(asked, model="")))
        if (found := cache.get(key)) is not None and (said := _read(found)) is not None:
            return Got(said, "cache")

        async def make() -> Said:
            said = await self._server.whole(asked)
            if await self._digest(asked.model) == digest:  # else it is the other one's answer
                cache.put(key, _written(said))
            return said

        said, shared = await self._flights.run(key, make)
        return Got(said, "shared" if shared else "model")

    async def _digest(self, model: str) -> str:
        """Return the digest of the weights of *model*.

        Raises:
            MissingError: If the server does not have it.
        """
        known = self._known
        if known is None or self._clock.monotonic() > known[0]:
            names, _ = await self._digests.run("", self._server.digests)
            known = self._known = (self._clock.monotonic() + FRESH_SECONDS, names)
        try:
            return known[1][tagged(model)]
        except KeyError:
            self._known = None
            raise MissingError(
                "the model server does not have this model", subject=model, hint=GET.format(model)
            ) from None


def _written(said: Said) -> str:
    ending = said.ending
    return json.dumps([said.text, ending.reason, ending.prompt_tokens, ending.answer_tokens])


def _read(text: str) -> Said | None:
    """Return the answer in *text*; nothing if another version of us wrote it otherwise."""
    try:
        said, reason, *counts = json.loads(text)
        prompt, answer = map(int, counts)
        return Said(str(said), Ending(str(reason), prompt, answer))
    except (ValueError, TypeError):
        return None
