# SPDX-License-Identifier: Apache-2.0
"""Answer in a conversation: what was said counts, and what is said is kept, however it ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from itertools import pairwise
from typing import Any

from beast_ops.chat.answer import Answerer, Begun, Ended, Event
from beast_ops.chat.model import Question
from beast_ops.chat.places import HEADLINE
from beast_ops.errors import BeastError, ConflictError
from beast_ops.llm.chat import Turn
from beast_ops.search.model import Answer, SearchOptions

from .looking import Narrow, Search, search_in
from .model import owner_of
from .sessions import Message, Saying, Session, Sessions, refuse_full

HISTORY = 40  # messages at most; how many of them a model sees is a matter of its room

Told = tuple[str, Mapping[str, Any]]
Through = Callable[[Search], Answerer]


class Talks:
    """The conversations that go on in this process, one answer at a time in each."""

    def __init__(self, narrow: Narrow, sessions: Sessions) -> None:
        """Keep what is said in *sessions*; *narrow* says where to look."""
        self._narrow, self._sessions = narrow, sessions
        self._busy: set[str] = set()

    async def reply(
        self, key: str, text: str, search: Search, through: Through
    ) -> AsyncGenerator[Told]:
        """Yield the answer to *text* in the conversation *key*, as named events.

        `begun` says what it stands on, `text` comes piece by piece, `ended` says what is cited.

        Args:
            key: The conversation.
            text: What is asked.
            search: What finds passages.
            through: Makes what answers by the passages that a search finds.

        Raises:
            ConflictError: If an answer is being given there, or there is no room for one.
            MissingError: If it is not there, or what it is about, or a model.
            BeastError: As `Answerer.answer`.
        """
        session = await asyncio.to_thread(self._sessions.get, key)
        refuse_full(session)
        if key in self._busy:
            raise ConflictError(
                "an answer is being given in this session", subject=key, hint="Wait for its end."
            )
        self._busy.add(key)
        try:
            history = await asyncio.to_thread(self._sessions.newest, key, HISTORY)
            question = Question(text, session.collection, _turns(history))
            said = through(self._narrowed(session, search)).answer(question)
            async with aclosing(self._kept(session, text, said)) as events:
                async for event in events:
                    yield event
        finally:
            self._busy.discard(key)

    def _narrowed(self, session: Session, search: Search) -> Search:
        """Return *search* for what *session* is about."""
        notebook = session.notebook
        if notebook is None:
            return search

        async def narrowed(query: str, options: SearchOptions) -> Answer:
            inside = await asyncio.to_thread(self._narrow, (notebook,), options)
            return await search_in(search, query, inside)

        return narrowed

    async def _kept(
        self, session: Session, text: str, said: AsyncGenerator[Event]
    ) -> AsyncGenerator[Told]:
        answer: int | None = None
        parts: list[str] = []
        about: dict[str, Any] = {}
        state = Saying.CUT
        try:
            async with aclosing(said) as events:
                async for event in events:
                    if isinstance(event, Begun):
                        about = standing(event)
                        asked, answer = await asyncio.to_thread(
                            self._sessions.ask, session.id, text, about
                        )
                        yield "begun", {"question": asked, "answer": answer, **about}
                    elif isinstance(event, Ended):
                        state, about = Saying.DONE, {**about, **outcome(event, about)}
                        yield "ended", outcome(event, about)
                    elif event and not event.startswith(HEADLINE):  # sources come apart
                        parts.append(event)
                        yield "text", {"text": event}
        except BeastError:
            state = Saying.FAILED
            raise
        finally:
            if answer is not None:
                # Not in a thread: who is being cancelled cannot wait for one.
                self._sessions.end(answer, "".join(parts), state, about)


def standing(begun: Begun) -> dict[str, Any]:
    """Return what an answer stands on."""
    return {
        "model": begun.model,
        "passages": [passage_of(each.as_dict()) for each in begun.passages],
        "left_out": begun.left_out.as_dict(),
        "notes": [each for each in (begun.left_out.words(), begun.note) if each],
    }


def passage_of(passage: dict[str, Any]) -> dict[str, Any]:
    """Return *passage*, saying also of which source of which notebook it is."""
    owner = owner_of(str(passage["source"]))
    if owner is None:
        return passage
    return {**passage, "notebook": owner[0], "notebook_source": owner[1]}


def outcome(ended: Ended, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what became of an answer that stands on *about*: how it ended, what it cites."""
    known = {each["number"]: each for each in about["passages"]}
    return {
        "reason": ended.ending.reason,
        "cited": list(ended.cited),
        "citations": [known[number] for number in ended.cited],
        "removed": ended.removed,
        "pictures": ended.defused,
        "tokens": {"prompt": ended.ending.prompt_tokens, "answer": ended.ending.answer_tokens},
    }


def _turns(messages: list[Message]) -> list[Turn]:
    """Return what was said as the model is told it: questions whose answers failed are left out."""
    turns: list[Turn] = []
    for question, answer in pairwise(messages):
        if question.role == "user" and answer.role == "assistant" and answer.text:
            turns += [Turn("user", question.text), Turn("assistant", answer.text)]
    return turns
