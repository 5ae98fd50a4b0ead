# SPDX-License-Identifier: Apache-2.0
"""The job that makes a text out of sources: a summary, insights, flashcards, key questions."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from beast_ops import http
from beast_ops.chat.citations import Checker
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import MissingError, ServiceError
from beast_ops.ingest.copies import points_of
from beast_ops.ingest.settings import Surroundings
from beast_ops.ingest.store import Point, PointStore
from beast_ops.jobs.worker import Grip
from beast_ops.llm.chat import WHOLE_SECONDS, ChatServer, Ending, Request, Turn
from beast_ops.search.model import Hit
from beast_ops.search.store import PLACE
from beast_ops.settings import Strict

from . import digest
from .digest import Kind, Piece, Space
from .model import COLLECTION

KIND = "transform"
PASSAGES_MOST = 20_000
SAY_SECONDS = 0.3
CHECK_SECONDS = 0.5


class Order(Strict):
    """What to make: the kind, the URIs of the sources, which model, how many tokens it sees."""

    kind: Kind
    sources: tuple[str, ...]
    model: str
    context: int


@dataclass(slots=True)
class Measured:
    """What it took: calls of the model, tokens as its server counts them, passages."""

    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    passages: int = 0
    left_out: int = 0
    removed: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it for machines."""
        return {name: getattr(self, name) for name in self.__slots__}


class Transforming:
    """Runs jobs of the kind `KIND`."""

    def __init__(self, around: Surroundings, clock: Clock = SYSTEM) -> None:
        """Read from the store of *around*, and have its model server write."""
        self._around, self._clock = around, clock

    def __call__(self, grip: Grip) -> Mapping[str, Any]:
        """Make what the job in *grip* wants, and return it.

        Raises:
            MissingError: If there is no model server, or no passage.
            UnavailableError: If the store or the model server does not answer.
            ServiceError: If the model server fails, or the model says nothing that rests on
                anything.
        """
        order = Order.model_validate_json(str(grip.job.payload["order"]))
        if self._around.models_url is None:
            raise MissingError(
                "there is no model server, so nobody can write",
                hint="Add ollama to beast_services, then: ./beast deploy.",
            )
        begun = self._clock.monotonic()
        hits, more = passages(self._around, order.sources, grip)
        if not hits:
            raise MissingError("the sources have no passage", hint="Read them again.")
        work = _Work(order, hits, grip, self._clock)
        work.measured.left_out = more
        made = asyncio.run(work.watched(self._around.models_url))
        work.measured.seconds = round(self._clock.monotonic() - begun, 3)
        return {**made, "model": order.model, "measured": work.measured.as_dict()}


def passages(around: Surroundings, sources: Sequence[str], grip: Grip) -> tuple[list[Hit], int]:
    """Return the passages of *sources* in their order, and how many more there are.

    Args:
        around: Where the store is.
        sources: Their URIs.
        grip: Asked whether they are still wanted.

    Raises:
        UnavailableError: If the store does not answer.
    """
    order = {source: place for place, source in enumerate(sources)}
    with PointStore(around.vectors_url, around.vectors_key, grip.check) as store:
        known = store.find(COLLECTION)
        found = [] if known is None else list(points_of(store, known[0], sources))
    found.sort(key=lambda each: (order[each.payload["source"]], each.payload["position"]))
    return [_hit(each) for each in found[:PASSAGES_MOST]], max(0, len(found) - PASSAGES_MOST)


def _hit(point: Point) -> Hit:
    payload = point.payload
    place = {name: payload[name] for name in PLACE if payload.get(name) not in (None, "", [])}
    return Hit(0.0, point.id, str(payload["source"]), str(payload["text"]), place)


@dataclass(slots=True)
class _Work:
    """One run of one job."""

    order: Order
    hits: Sequence[Hit]
    grip: Grip
    clock: Clock
    measured: Measured = field(default_factory=Measured)
    fence: str = field(default_factory=lambda: f"passage-{secrets.token_hex(4)}")
    done: int = 0
    of: int = 1
    said: float = float("-inf")

    async def watched(self, url: str) -> dict[str, Any]:
        """Return what is made, and give up once nobody wants it: a model may think for minutes."""
        making = asyncio.create_task(self._made(url))
        try:
            while not (await asyncio.wait({making}, timeout=CHECK_SECONDS))[0]:
                self.grip.check()
            return making.result()
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)

    async def _made(self, url: str) -> dict[str, Any]:
        async with http.async_client(url, seconds=WHOLE_SECONDS) as client:
            server = ChatServer(client)
            batch = await self._reduced(server)
            text, checker = await self._final(server, batch)
        if not text.strip():
            raise ServiceError(
                "the model wrote nothing", subject=self.order.model, hint="Choose another model."
            )
        return {
            "text": text,
            "items": digest.items_of(self.order.kind, text),
            "passages": digest.cited_hits(digest.places_of(batch, checker.cited), self.hits),
        }

    async def _reduced(self, server: ChatServer) -> list[Piece]:
        """Return what the last call is to read: the passages themselves, or notes of them."""
        space, pieces = Space(self.order.context), digest.pieces_of(self.hits)
        last = space.room(space.answer, digest.rules(self.order.kind, self.fence, notes=False))
        system = digest.rules(self.order.kind, self.fence, notes=True)
        room = space.room(space.note, system)
        self.measured.passages = len(pieces)
        while len(digest.batches(pieces, last, self.fence)) > 1:
            every = digest.batches(pieces, room, self.fence)
            chosen = digest.spread(every)
            self._left_out(pieces, chosen)
            self.of = self.done + len(chosen) + 1
            notes: list[Piece] = []
            for batch in chosen:
                notes += await self._note(server, batch, system, space.note)
            if not notes:
                raise ServiceError(
                    "the model noted nothing that rests on a passage",
                    subject=self.order.model,
                    hint="Choose another model.",
                )
            pieces = _shorter(notes, pieces)
        return digest.batches(pieces, last, self.fence)[0]

    def _left_out(self, pieces: Sequence[Piece], chosen: Sequence[Sequence[Piece]]) -> None:
        if self.measured.calls == 0:
            read = sum(map(len, chosen))
            self.measured.passages = read
            self.measured.left_out += len(pieces) - read

    async def _note(
        self, server: ChatServer, batch: Sequence[Piece], system: str, most: int
    ) -> list[Piece]:
        checker = Checker(len(batch))
        self._say("")
        parts = [
            checker.feed(text)
            async for text in self._pieces(server, digest.turns(batch, system, self.fence), most)
        ]
        parts.append(checker.end())
        self.measured.removed += checker.removed
        self.done += 1
        return digest.note_of("".join(parts), batch, checker.cited)

    async def _final(self, server: ChatServer, batch: Sequence[Piece]) -> tuple[str, Checker]:
        system = digest.rules(self.order.kind, self.fence, notes=False)
        checker, text = Checker(len(batch)), ""
        most = Space(self.order.context).answer
        async for piece in self._pieces(server, digest.turns(batch, system, self.fence), most):
            text += digest.renumbered(checker.feed(piece), batch, checker.cited)
            if self.clock.monotonic() - self.said >= SAY_SECONDS:
                self._say(text)
        text += digest.renumbered(checker.end(), batch, checker.cited)
        self.measured.removed += checker.removed
        self.done += 1
        self._say(text)
        return text, checker

    async def _pieces(
        self, server: ChatServer, turns: Sequence[Turn], most: int
    ) -> AsyncGenerator[str]:
        """Yield what the model says."""
        options = {"num_predict": most, "num_ctx": self.order.context}
        asked = Request(self.order.model, turns, options)
        self.measured.calls += 1
        async with aclosing(server.stream(asked)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Ending):
                    self.measured.prompt_tokens += piece.prompt_tokens
                    self.measured.answer_tokens += piece.answer_tokens
                else:
                    yield piece

    def _say(self, text: str) -> None:
        self.said = self.clock.monotonic()
        self.grip.say({"done": self.done, "of": self.of, "text": text})


def _shorter(notes: list[Piece], before: Sequence[Piece]) -> list[Piece]:
    """Return *notes*, or so many of them that there are fewer than there were pieces *before*.

    A model that notes more than it reads would go on for ever.
    """
    most = max(1, len(before) * 3 // 4)
    if len(notes) <= most:
        return notes
    return [notes[place * len(notes) // most] for place in range(most)]
