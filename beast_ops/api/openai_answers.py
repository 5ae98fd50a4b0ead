# SPDX-License-Identifier: Apache-2.0
"""An answer of ours in the forms of OpenAI's API: as one document, or as a stream of events.

Besides what OpenAI defines, `beast` says what the answer stands on. Open WebUI shows what stands
under `event` as numbered sources, to which `[1]` in the answer then leads; others leave it aside.
"""

import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel

from beast_ops.chat.answer import Begun, Ended, Event
from beast_ops.chat.model import Passage

DONE = b"data: [DONE]\n\n"


class Usage(BaseModel):
    """How many tokens an answer took, as the model server counts them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """What is answered."""

    role: str
    content: str


class Choice(BaseModel):
    """The one answer."""

    index: int
    message: AnswerMessage
    finish_reason: str


class Completion(BaseModel):
    """An answer as OpenAI's clients read it; `beast` says what it stands on."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    beast: dict[str, Any] = {}


@dataclass(slots=True)
class Head:
    """What all parts of one answer have in common."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def chunk(self, delta: Mapping[str, Any], reason: str | None = None, **more: Any) -> bytes:
        """Return one event of a stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _event({**self._as("chat.completion.chunk"), "choices": [choice], **more})

    def usage(self, ended: Ended) -> bytes:
        """Return the event that says what an answer took."""
        plain = {**self._as("chat.completion.chunk"), "choices": []}
        return _event({**plain, "usage": usage(ended).model_dump()})

    def whole(self, text: str, ended: Ended, beast: dict[str, Any]) -> Completion:
        """Return the answer as one document."""
        message = AnswerMessage(role="assistant", content=text)
        choice = Choice(index=0, message=message, finish_reason=reason(ended))
        return Completion(
            **self._as("chat.completion"), choices=[choice], usage=usage(ended), beast=beast
        )

    def _as(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def _event(value: Any) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def failure(body: Mapping[str, Any]) -> bytes:
    """Return the event by which a stream that began tells of a failure."""
    return _event(body)


def usage(ended: Ended) -> Usage:
    """Return what an answer took."""
    read, written = ended.ending.prompt_tokens, ended.ending.answer_tokens
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


def reason(ended: Ended) -> str:
    """Return why an answer ended, in OpenAI's words."""
    return "length" if ended.ending.reason == "length" else "stop"


def standing(begun: Begun) -> dict[str, Any]:
    """Return what an answer stands on."""
    marked = {} if begun.similarity is None else {"similarity": begun.similarity}
    return {
        **marked,
        "model": begun.model,
        "sources": [each.as_dict() for each in begun.passages],
        "left_out": begun.left_out.as_dict(),
        "notes": [each for each in (begun.left_out.words(), begun.note) if each],
    }


def outcome(ended: Ended) -> dict[str, Any]:
    """Return what became of an answer's citations."""
    return {"cited": list(ended.cited), "removed": ended.removed, "pictures": ended.defused}


async def events(
    head: Head, said: AsyncGenerator[Event], *, with_usage: bool
) -> AsyncGenerator[bytes]:
    """Yield the answer *said* as the events of a stream."""
    async with aclosing(said) as all_of_it:
        async for event in all_of_it:
            if isinstance(event, Begun):
                yield head.chunk({"role": "assistant", "content": ""}, beast=standing(event))
                for each in _shown(event):
                    yield head.chunk({"content": ""}, event=each)
            elif isinstance(event, Ended):
                yield head.chunk({}, reason(event), beast=outcome(event))
                if with_usage:
                    yield head.usage(event)
            elif event:
                yield head.chunk({"content": event})
    yield DONE


def _shown(begun: Begun) -> Iterator[dict[str, Any]]:
    """Yield what Open WebUI shows: every source in the order of its number, and notes."""
    for each in begun.passages:
        yield {"type": "source", "data": _source(each)}
    for note in standing(begun)["notes"]:
        yield {"type": "status", "data": {"description": note, "done": True}}


def _source(passage: Passage) -> dict[str, Any]:
    about = passage.as_dict()
    # One number for each source of its own: passages of one document would be taken for one.
    place = f"{about['link']}{'&' if '#' in about['link'] else '#'}passage={passage.number}"
    name = f"{passage.number}. {about['title']}"  # it shows this in the place of [1]
    return {
        "source": {"name": name, "id": place, "url": about["link"]},
        "document": [passage.text],
        "metadata": [{"source": place, "name": name}],
    }
