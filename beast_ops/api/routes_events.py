# SPDX-License-Identifier: Apache-2.0
"""What happened, in pages, and as it happens."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from beast_ops.access.model import Scope
from beast_ops.database import FAILURES
from beast_ops.errors import UnavailableError
from beast_ops.events.outbox import Outbox, events_file
from beast_ops.ingest.manifest import INTEGER_MOST

from .house import House, InHouse
from .pages import PAGE, Limit, Offset, example, refusals
from .rules import needs
from .streams import Feed, shown

router = APIRouter(tags=["events"], prefix="/events")

Names = Annotated[
    str,
    Query(
        pattern=r"^[a-z]*(\.[a-z]*)*$",
        max_length=64,
        description="Only those whose names begin so, such as: model.",
    ),
]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events, as server-sent events",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'id: 1777604400000\nevent: job.done\ndata: {"name": "job.done"}\n\n',
            }
        },
    },
    **refusals(s503="Too many listen; try again in a moment"),
}


class EventModel(BaseModel):
    """One thing that happened; later ones have higher numbers."""

    model_config = example(
        number=1777604400000,
        id="3b1f0c9d5a5e4c0f8a7f6f5f1f2f3f4f",
        name="model.downloaded",
        at="2026-05-01T03:00:00.000+00:00",
        source="beast-worker",
        data={"model": "llama3.2:latest", "bytes": 2_019_393_189},
    )

    number: int
    id: str
    name: str
    at: str
    source: str
    data: dict[str, Any]


class EventsModel(BaseModel):
    """The newest events, and how many are kept."""

    total: int
    events: list[EventModel]


@router.get("", summary="List events")
@needs(Scope.READ)
async def history(
    house: InHouse, limit: Limit = PAGE, offset: Offset = 0, names: Names = ""
) -> EventsModel:
    """List what happened, newest first; the last thousand events are kept."""
    return await asyncio.to_thread(_page, house, names, limit, offset)


class Stream(StreamingResponse):
    """An endless answer of a feed, to whoever was admitted there."""

    def __init__(self, feed: Feed, after: int | None, names: str) -> None:
        """Send what *feed* yields; see `Feed.listen`."""
        super().__init__(
            feed.listen(after, names),
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
            media_type="text/event-stream",
        )
        self._feed = feed

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Send it until who asked leaves, however they do."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.leave()


@router.get(
    "/stream",
    summary="Follow events",
    response_class=StreamingResponse,
    responses=_STREAM,
)
@needs(Scope.READ)
async def stream(
    house: InHouse,
    names: Names = "",
    after: Annotated[
        int | None, Query(ge=0, le=INTEGER_MOST, description="The last number that was seen.")
    ] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
) -> StreamingResponse:
    """Follow what happens. With the header Last-Event-ID nothing is missed in between."""
    house.feed.admit()
    return Stream(house.feed, int(last_event_id) if last_event_id else after, names)


def _page(house: House, names: str, limit: int, offset: int) -> EventsModel:
    try:
        with Outbox(events_file(house.surroundings.data)) as outbox:
            total, found = outbox.page(names, limit, offset)
    except (OSError, *FAILURES) as failed:
        raise UnavailableError("the events cannot be read") from failed
    return EventsModel(
        total=total, events=[EventModel.model_validate(shown(each)) for each in found]
    )
