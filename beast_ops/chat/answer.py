# SPDX-License-Identifier: Apache-2.0
"""Answer a question about documents: find, plan, ask the model, check what it cites."""

import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from beast_ops.errors import MissingError
from beast_ops.llm.chat import ChatModel, ChatServer, Ending, Request, Turn

from .again import Again, Given, Near
from .citations import Checker
from .model import LeftOut, Passage, Question
from .places import listed
from .plan import Plan, Room, plan
from .recall import Search, recall
from .writer import Writer

ANSWER_TOKENS = 1024
ANSWER_SHARE = 4  # of a small context, an answer gets no more than this part
NOTHING = "Nothing in the documents answers this: no passage was found for the question."


@dataclass(frozen=True, slots=True)
class Wish:
    """What the settings say: which model, and how many tokens it sees at once."""

    model: str
    context: int


@dataclass(frozen=True, slots=True)
class Begun:
    """What an answer stands on, known before its first word.

    Attributes:
        passages: What the model reads.
        left_out: What did not fit.
        note: What is to be said about how it was found.
        model: Who answers; empty if nothing was found and nobody was asked.
        similarity: How close the question is for which the answer was made, if it was made for
            one that was put otherwise.
    """

    passages: Sequence[Passage]
    left_out: LeftOut
    note: str
    model: str
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How an answer ended.

    Attributes:
        ending: What the model server says of it.
        cited: The numbers of the passages that it cites, in that order.
        removed: How many citations of nothing were taken out.
        defused: How many pictures were.
    """

    ending: Ending
    cited: Sequence[int] = ()
    removed: int = 0
    defused: int = 0


Event = Begun | str | Ended


class Answerer:
    """Answers questions about the documents of one store by the models of one server."""

    def __init__(
        self,
        search: Search,
        writer: Writer,
        wish: Callable[[], Wish],
        again: Again | None = None,
    ) -> None:
        """Find by *search*, and have *writer* answer as *wish* says at that moment.

        Args:
            search: Finds passages.
            writer: Knows who answers.
            wish: What the settings say.
            again: Knows answers to similar questions.
        """
        self._search, self._writer, self._wish, self._again = search, writer, wish, again

    async def answer(self, question: Question) -> AsyncGenerator[Event]:
        """Yield what the answer stands on, the answer in pieces, and how it ended.

        If nothing is found, that is the answer, and no model is asked to make one up.

        Raises:
            MissingError: If there is no such collection, no model server, or no model.
            UsageError: If the question does not fit into what the model sees.
            UnavailableError: If the store or the model server does not answer.
            ServiceError: If the model server fails.
        """
        recalled = await recall(self._search, question)
        if not recalled.hits:
            yield Begun((), LeftOut(), recalled.note, "")
            yield NOTHING
            yield Ended(Ending("stop", 0, 0))
            return
        wish = self._wish()
        server, model = await self._choose(wish)
        room = _room(wish, model.context, question.options)
        planned = plan(question, recalled.hits, room, secrets.token_hex(4))
        asked = Request(model.name, planned.turns, _options(question.options, room))
        begun = Begun(planned.passages, planned.left_out, recalled.note, model.name)
        near = await self._near(question, planned, asked)
        if near is not None and (known := near.given) is not None:
            for event in _repeated(known, begun):
                yield event
            return
        said = self._said(server.stream(asked), planned, begun)
        async with aclosing(_kept(said, near)) as events:
            async for event in events:
                yield event

    def through(self, search: Search) -> "Answerer":
        """Return what answers likewise by what *search* finds, and each question anew."""
        return Answerer(search, self._writer, self._wish)

    async def chosen(self) -> tuple[str, int]:
        """Return which model answers now, and how many tokens it sees; raises as `answer`."""
        wish = self._wish()
        _, model = await self._choose(wish)
        return model.name, min(wish.context, model.context or wish.context)

    async def errand(
        self, turns: Sequence[Turn], options: Mapping[str, Any]
    ) -> AsyncGenerator[Event]:
        """Yield what the model says to *turns*, without any document; raises as `answer`."""
        wish = self._wish()
        server, model = await self._choose(wish)
        room = _room(wish, model.context, options)
        asked = Request(model.name, turns, _options(options, room))
        yield Begun((), LeftOut(), "", model.name)
        async with aclosing(server.stream(asked)) as pieces:
            async for piece in pieces:
                yield Ended(piece) if isinstance(piece, Ending) else piece

    async def _near(self, question: Question, planned: Plan, asked: Request) -> Near | None:
        if self._again is None:
            return None
        return await self._again.ask(question, planned, asked.options, asked.model)

    async def _choose(self, wish: Wish) -> tuple[ChatServer, ChatModel]:
        try:
            return await self._writer.choose(wish.model)
        except MissingError:
            self._writer.forget()
            raise

    async def _said(
        self, pieces: AsyncGenerator[str | Ending], planned: Plan, begun: Begun
    ) -> AsyncGenerator[Event]:
        """Yield what the model says, checked, with the cited sources below it."""
        checker = Checker(len(planned.passages))
        first = True
        try:
            async with aclosing(pieces) as said:
                async for piece in said:
                    if first:  # now it is sure that there is an answer
                        yield begun
                        first = False
                    if isinstance(piece, Ending):
                        yield checker.end()
                        cited = [planned.passages[number - 1] for number in checker.cited]
                        yield listed(cited)
                        yield Ended(piece, checker.cited, checker.removed, checker.defused)
                    else:
                        yield checker.feed(piece)
        except MissingError:
            self._writer.forget()
            raise


def _repeated(known: Given, begun: Begun) -> Iterator[Event]:
    """Yield the answer *known*, marked as one that was made for a similar question."""
    note = " ".join(filter(None, (begun.note, known.note)))
    yield replace(begun, note=note, similarity=known.closeness)
    yield known.text
    yield Ended(known.ending, known.cited, known.removed, known.defused)


async def _kept(events: AsyncGenerator[Event], near: Near | None) -> AsyncGenerator[Event]:
    """Yield *events*, and keep the answer for similar questions if it came to its own end."""
    text: list[str] = []
    async with aclosing(events) as said:
        async for event in said:
            if isinstance(event, str):
                text.append(event)
            elif isinstance(event, Ended) and near is not None and event.ending.reason == "stop":
                made = Given("".join(text), tuple(event.cited), event.removed, event.defused)
                await near.keep(made)
            yield event


def _room(wish: Wish, most: int | None, options: Mapping[str, Any]) -> Room:
    context = min(wish.context, most or wish.context)
    answer = min(ANSWER_TOKENS, context // ANSWER_SHARE)
    wanted = options.get("num_predict")
    return Room(context, min(wanted, context // 2) if isinstance(wanted, int) else answer)


def _options(options: Mapping[str, Any], room: Room) -> dict[str, Any]:
    """Return the options of the model server; without `num_ctx` it would cut what it likes."""
    return {**options, "num_predict": room.answer, "num_ctx": room.context}
