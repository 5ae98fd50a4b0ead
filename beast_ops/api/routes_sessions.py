# SPDX-License-Identifier: Apache-2.0
"""Conversations about a notebook or a collection: begun, led, kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from beast_ops.access.model import Scope
from beast_ops.errors import UsageError
from beast_ops.knowledge import COLLECTION
from beast_ops.notebooks.model import COLLECTION as NOTEBOOKS
from beast_ops.notebooks.sessions import TITLE_CHARACTERS, Message, Session
from beast_ops.notebooks.store import Page
from beast_ops.search.model import QUERY_CHARACTERS, clean

from .body import Body
from .house import InHouse, taking
from .notebook_models import moment, plain
from .pages import PAGE, Limit, Offset
from .refusals import refuses
from .routes_search import AnyCollection
from .rules import needs
from .sse import STREAM, streamed

router = APIRouter(tags=["chat"], dependencies=[Depends(taking)])


def _title(text: str) -> str:
    return plain(text) if text else ""


def _question(text: str) -> str:
    try:
        clean(text)
    except UsageError as wrong:
        raise ValueError(wrong.paragraph()) from wrong
    return text.strip()


Title = Annotated[str, Field(max_length=TITLE_CHARACTERS), AfterValidator(_title)]


class SessionBody(Body):
    """A new conversation about a notebook; without a title its first question is one."""

    title: Title = Field(default="", examples=["Owls at night"])


class CollectionSessionBody(SessionBody):
    """A new conversation about a whole collection."""

    collection: AnyCollection = Field(default=COLLECTION, examples=["docs"])


class SessionModel(BaseModel):
    """A conversation, and how many messages it has."""

    id: str
    notebook: str | None
    collection: str
    title: str
    messages: int
    created: datetime
    changed: datetime


class SessionsModel(BaseModel):
    """A part of the conversations, the newest first; `total` counts all."""

    sessions: list[SessionModel]
    total: int


class QuestionBody(Body):
    """What is asked."""

    text: Annotated[
        str, Field(min_length=1, max_length=QUERY_CHARACTERS), AfterValidator(_question)
    ] = Field(examples=["When do owls fly?"])


class MessageModel(BaseModel):
    """What one side said: `about` an answer, its passages, which of them it cites, and more."""

    id: int
    role: Literal["user", "assistant"]
    text: str
    state: Literal["answering", "done", "cut", "failed"]
    about: dict[str, Any]
    created: datetime


class MessagesModel(BaseModel):
    """A part of what was said, the oldest first; `total` counts all."""

    messages: list[MessageModel]
    total: int


@router.post("/notebooks/{notebook}/sessions", status_code=201, responses=refuses(404, 422))
@needs(Scope.WRITE)
def begin(notebook: str, body: SessionBody, house: InHouse) -> SessionModel:
    """Begin a conversation about the sources of a notebook."""
    return _session(house.desk.sessions.begin(notebook, NOTEBOOKS, body.title))


@router.get("/notebooks/{notebook}/sessions", responses=refuses(404, 422))
@needs(Scope.READ)
def list_of(
    notebook: str, house: InHouse, limit: Limit = PAGE, offset: Offset = 0
) -> SessionsModel:
    """List the conversations about a notebook, the newest first."""
    house.desk.notebooks.get(notebook)
    return _sessions(*house.desk.sessions.page(Page(limit, offset), notebook))


@router.post("/sessions", status_code=201, responses=refuses(404, 422, 503))
@needs(Scope.WRITE)
async def begin_on(body: CollectionSessionBody, house: InHouse) -> SessionModel:
    """Begin a conversation about all documents of a collection."""
    await house.store.shape(body.collection)
    begun = house.desk.sessions.begin
    return _session(await run_in_threadpool(begun, None, body.collection, body.title))


@router.get("/sessions", responses=refuses(422))
@needs(Scope.READ)
def list_on(house: InHouse, limit: Limit = PAGE, offset: Offset = 0) -> SessionsModel:
    """List the conversations about collections, the newest first."""
    return _sessions(*house.desk.sessions.page(Page(limit, offset)))


@router.get("/sessions/{session}", responses=refuses(404))
@needs(Scope.READ)
def show(session: str, house: InHouse) -> SessionModel:
    """Tell of one conversation."""
    return _session(house.desk.sessions.get(session))


@router.delete("/sessions/{session}", status_code=204, responses=refuses(404))
@needs(Scope.WRITE)
def delete(session: str, house: InHouse) -> None:
    """Delete a conversation with all that was said."""
    house.desk.sessions.delete(session)


@router.get("/sessions/{session}/messages", responses=refuses(404, 422))
@needs(Scope.READ)
def messages(
    session: str, house: InHouse, limit: Limit = PAGE, offset: Offset = 0
) -> MessagesModel:
    """List what was said, the oldest first."""
    house.desk.sessions.get(session)
    found, total = house.desk.sessions.messages(session, Page(limit, offset))
    return MessagesModel(messages=[_message(each) for each in found], total=total)


@router.post(
    "/sessions/{session}/messages",
    response_class=StreamingResponse,
    responses={**STREAM, **refuses(404, 409, 422, 503)},
)
@needs(Scope.WRITE)
async def ask(
    session: str, body: QuestionBody, request: Request, house: InHouse
) -> StreamingResponse:
    """Ask, and get the answer piece by piece, with citations that were checked.

    The events are `begun` (which passages it stands on), `text` (pieces of it), `ended` (what it
    cites) and, if it breaks off, `failed`. What was said before in the session counts.
    """
    search, through = house.searcher.search, house.answerer.through
    return await streamed(request, house.desk.talks.reply(session, body.text, search, through))


def _session(session: Session) -> SessionModel:
    return SessionModel(
        id=session.id,
        notebook=session.notebook,
        collection=session.collection,
        title=session.title,
        messages=session.messages,
        created=moment(session.created),
        changed=moment(session.changed),
    )


def _sessions(found: Sequence[Session], total: int) -> SessionsModel:
    return SessionsModel(sessions=[_session(each) for each in found], total=total)


def _message(message: Message) -> MessageModel:
    return MessageModel(
        id=message.id,
        role=message.role,  # type: ignore[arg-type] # pydantic judges it
        text=message.text,
        state=message.state.value,
        about=dict(message.about),
        created=moment(message.created),
    )
