# SPDX-License-Identifier: Apache-2.0
"""Whole answers of a model server, made no more than once where they would be the same."""

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import MissingError

from .answers import AnswerCache, deterministic, key_of
from .chat import ChatServer, Ending, Request, Said
from .flights import Flights
from .ollama import tagged
from .ollama_server import GET
from .similar import Asked, Similar

PATH = "/api/chat"
FRESH_SECONDS = 5.0  # for so long a model may be another one without anybody noticing

Source = Literal["model", "cache", "shared", "similar"]


@dataclass(frozen=True, slots=True)
class Got:
    """An answer, and where it came from.

    Attributes:
        said: The answer.
        source: `model` if it was made for this, `cache` if it was made before, `shared` if
            somebody else asked for the same at the same time, `similar` if it was made for a
            request that was put otherwise.
        closeness: How close that request is, up to 1, if the answer is that of a similar one.
    """

    said: Said
    source: Source
    closeness: float | None = None


class Digests:
    """The weights behind the names of models, asked for only now and then; for one event loop."""

    def __init__(self, server: ChatServer, clock: Clock = SYSTEM) -> None:
        """Ask *server*."""
        self._server, self._clock = server, clock
        self._flights: Flights[dict[str, str]] = Flights()
        self._known: tuple[float, dict[str, str]] | None = None

    async def of(self, model: str) -> str:
        """Return the digest of the weights of *model*.

        Raises:
            MissingError: If the server does not have it.
        """
        known = self._known
        if known is None or self._clock.monotonic() > known[0]:
            names, _ = await self._flights.run("", self._server.digests)
            known = self._known = (self._clock.monotonic() + FRESH_SECONDS, names)
        try:
            return known[1][tagged(model)]
        except KeyError:
            self._known = None
            raise MissingError(
                "the model server does not have this model", subject=model, hint=GET.format(model)
            ) from None


class Remembering:
    """Asks a model server through a cache; for one event loop."""

    def __init__(
        self,
        server: ChatServer,
        cache: AnswerCache | None,
        clock: Clock = SYSTEM,
        similar: Similar | None = None,
    ) -> None:
        """Ask *server* for what is not known; for everything if there is no *cache*.

        Args:
            server: Who is asked.
            cache: Knows what was said before.
            clock: Tells when to look anew which weights a name stands for.
            similar: Knows what was said to similar requests.
        """
        self._server, self._cache, self._similar = server, cache, similar
        self._flights: Flights[Said] = Flights()
        self._digests = Digests(server, clock)

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
        digest = await self._digests.of(asked.model)
        key = key_of(digest, PATH, self._server.body(replace(asked, model="")))
        if (found := cache.get(key)) is not None and (said := _read(found)) is not None:
            return Got(said, "cache")
        near = await self._near(digest, asked)
        if near is not None and near.found and (said := _read(near.found.text)) is not None:
            return Got(said, "similar", near.found.closeness)

        async def make() -> Said:
            said = await self._server.whole(asked)
            if await self._digests.of(asked.model) == digest:  # else it is the other one's answer
                cache.put(key, _written(said))
                if near is not None:
                    near.keep(_written(said))
            return said

        said, shared = await self._flights.run(key, make)
        return Got(said, "shared" if shared else "model")

    async def _near(self, digest: str, asked: Request) -> Asked | None:
        """Return what is known of requests like *asked*, if it may be compared with any.

        One that follows anything is not: after "Translate what I say" every word counts. And what
        a model would say otherwise the next time is never taken for the answer to something else.
        """
        if self._similar is None or len(asked.turns) != 1 or not deterministic(asked.options):
            return None
        [only] = asked.turns
        if only.role != "user":
            return None
        around: dict[str, Any] = self._server.body(replace(asked, model="", turns=()))
        return await self._similar.ask([digest, PATH, around], only.text)


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
