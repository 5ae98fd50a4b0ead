# SPDX-License-Identifier: Apache-2.0
"""Chat with collections through OpenAI's API: each is the model `beast/<collection>`."""

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from beast_ops.access.model import Scope
from beast_ops.chat.answer import Begun, Ended, Event
from beast_ops.errors import BeastError, MissingError

from .gone import unless_gone
from .house import House, InHouse
from .openai_answers import Completion, Head, events, failure, outcome, standing
from .openai_bodies import PREFIX, ChatBody, ModelList, ModelRow
from .openai_errors import fault
from .rules import needs

LOG = logging.getLogger("beast.api")
_STREAM = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}

router = APIRouter(prefix="/v1", tags=["chat"])


@router.get("/models")
@needs(Scope.READ)
async def list_models(house: InHouse) -> ModelList:
    """List the collections one can chat with, as models."""
    return ModelList(data=[ModelRow(id=name) for name in await _models(house)])


@router.get("/models/{model:path}")
@needs(Scope.READ)
async def show_model(model: str, house: InHouse) -> ModelRow:
    """Tell of one collection as a model.

    Raises:
        MissingError: If there is none of that name.
    """
    if model not in await _models(house):
        raise MissingError(
            "there is no such model", subject=model[:200], hint="GET /v1/models lists them."
        )
    return ModelRow(id=model)


async def _models(house: House) -> list[str]:
    """Return the models; a store that others fill, too, has collections that are not ours."""
    found = []
    for name in await house.store.names():
        shape = await house.store.shape(name)
        if shape.dense or shape.sparse:
            found.append(f"{PREFIX}{name}")
    return found


@router.post("/chat/completions", response_model=Completion, responses={200: _STREAM})
@needs(Scope.READ, limit="chat", noted=False)
async def complete(body: ChatBody, request: Request, response: Response, house: InHouse) -> Any:
    """Answer a question from the documents of a collection, citing passages by number.

    The stream, and the answer's extra field `beast`, say which passages those are. An answer that
    was made for a similar question has the header `X-Cache: SIMILAR`, and `similarity` there.
    """
    said = _counted(house, _said(house, body))
    head = Head(body.model)
    if not body.stream:
        whole = await unless_gone(request, _whole(head, said))
        response.headers.update(_marks("similarity" in whole.beast))
        return whole
    first = await unless_gone(request, _first(said))
    stream = _told(events(head, _again(first, said), with_usage=body.wants_usage()))
    similar = isinstance(first, Begun) and first.similarity is not None
    return StreamingResponse(stream, media_type="text/event-stream", headers=_marks(similar))


def _marks(similar: bool) -> dict[str, str]:  # noqa: FBT001 - it is what the name says
    return {"X-Cache": "SIMILAR"} if similar else {}


def _said(house: House, body: ChatBody) -> AsyncGenerator[Event]:
    question = body.question()
    if body.is_errand():
        return house.answerer.errand(body.turns(), body.options())
    return house.answerer.answer(question)


async def _first(said: AsyncGenerator[Event]) -> Event:
    """Return the first event: a failure until here is told by the status."""
    return await anext(said)


async def _again(first: Event, said: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    async with aclosing(said) as rest:
        yield first
        async for event in rest:
            yield event


async def _whole(head: Head, said: AsyncGenerator[Event]) -> Completion:
    parts: list[str] = []
    beast: dict[str, Any] = {}
    async with aclosing(said) as all_of_it:
        async for event in all_of_it:
            if isinstance(event, Begun):
                beast |= standing(event)
            elif isinstance(event, Ended):
                return head.whole("".join(parts), event, {**beast, **outcome(event)})
            else:
                parts.append(event)
    raise AssertionError("an answer ends or raises")  # pragma: no cover


async def _told(stream: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield *stream*; what fails now is told in it, for the status is out."""
    async with aclosing(stream) as pieces:
        try:
            async for piece in pieces:
                yield piece
        except BeastError as failed:
            LOG.warning("a chat broke off: %s", failed.paragraph())
            yield failure(fault(503, "unavailable", str(failed), failed.hint))
        except Exception:
            LOG.exception("a chat broke off")
            yield failure(fault(500, "internal", "something went wrong here", "See: ./beast logs"))


async def _counted(house: House, said: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    """Yield *said*, and count what becomes of it."""
    figures, begun = house.figures.chats, time.perf_counter()
    outcome, heard, ends = "left", False, "answered"
    try:
        async with aclosing(said) as rest:
            async for event in rest:
                if isinstance(event, Begun):
                    ends = "nothing" if not event.model else ends
                    ends = "similar" if event.similarity is not None else ends
                elif isinstance(event, Ended):
                    outcome = ends
                    figures.tokens.labels("prompt").inc(event.ending.prompt_tokens)
                    figures.tokens.labels("answer").inc(event.ending.answer_tokens)
                    figures.removed.inc(event.removed)
                elif event and not heard:
                    heard = True
                    figures.first.observe(time.perf_counter() - begun)
                yield event
    except Exception:
        outcome = "failed"
        raise
    finally:
        figures.answers.labels(outcome).inc()
