# SPDX-License-Identifier: Apache-2.0
"""Summaries, insights, flashcards and key questions, made of the sources of a notebook."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from beast_ops.access.model import Scope
from beast_ops.notebooks.digest import Kind
from beast_ops.notebooks.model import SOURCES_MOST
from beast_ops.notebooks.results import Result
from beast_ops.notebooks.store import Page
from beast_ops.notebooks.talk import passage_of

from .body import Body
from .house import House, InHouse, taking
from .notebook_models import moment
from .pages import PAGE, Limit, Offset
from .refusals import refuses
from .rules import needs
from .sse import STREAM, streamed

router = APIRouter(
    tags=["transformations"],
    prefix="/notebooks/{notebook}/transformations",
    dependencies=[Depends(taking)],
)

SourceId = Annotated[str, Field(min_length=1, max_length=100)]


class TransformationBody(Body):
    """What to make, and of which sources: of all that are ready if none is named."""

    kind: Kind = Field(examples=["summary"])
    sources: Annotated[list[SourceId], Field(max_length=SOURCES_MOST)] = Field(default=[])


class ResultModel(BaseModel):
    """What is made: `text`, its parts if it has any, and the passages that it cites by number."""

    id: str
    notebook: str
    kind: Kind
    state: Literal["pending", "running", "done", "failed", "cancelled"]
    sources: list[str]
    done: int | None = Field(default=None, description="Calls of the model that have ended")
    of: int | None = Field(default=None, description="How many there will be, as far as is known")
    reason: str | None = None
    text: str | None = None
    items: list[dict[str, Any]] | None = Field(
        default=None, description="Of flashcards question and answer; of lists the text; citations"
    )
    passages: list[dict[str, Any]] | None = None
    model: str | None = None
    measured: dict[str, Any] | None = Field(
        default=None, description="Calls, tokens, seconds, passages read and left out"
    )
    created: datetime
    changed: datetime


class ResultsModel(BaseModel):
    """A part of the results of a notebook, the newest first; `total` counts all."""

    transformations: list[ResultModel]
    total: int


@router.post("", status_code=202, responses=refuses(404, 409, 422, 503))
@needs(Scope.WRITE)
async def begin(notebook: str, body: TransformationBody, house: InHouse) -> ResultModel:
    """Have a text made of sources by a job, which cites the passages that it rests on."""
    workshop = house.desk.workshop
    await run_in_threadpool(house.desk.notebooks.get, notebook)
    chosen = await run_in_threadpool(workshop.choose, notebook, body.sources)
    model = await house.answerer.chosen()
    begun = await run_in_threadpool(workshop.begin, notebook, body.kind, chosen, model)
    return await run_in_threadpool(_shown, house, begun)


@router.get("", responses=refuses(404, 422))
@needs(Scope.READ)
def list_results(
    notebook: str, house: InHouse, limit: Limit = PAGE, offset: Offset = 0
) -> ResultsModel:
    """List what was made of a notebook, the newest first."""
    house.desk.notebooks.get(notebook)
    found, total = house.desk.workshop.results.page(notebook, Page(limit, offset))
    return ResultsModel(transformations=[_shown(house, each) for each in found], total=total)


@router.get("/{result}", responses=refuses(404))
@needs(Scope.READ)
def show(notebook: str, result: str, house: InHouse) -> ResultModel:
    """Show what was made, or how far it is."""
    return _shown(house, house.desk.workshop.results.get(notebook, result))


@router.get(
    "/{result}/events", response_class=StreamingResponse, responses={**STREAM, **refuses(404)}
)
@needs(Scope.READ)
async def follow(notebook: str, result: str, request: Request, house: InHouse) -> StreamingResponse:
    """Follow how it comes to be: events `progress`, `text`, `again` (from the start), `ended`."""
    return await streamed(request, house.desk.workshop.follow(notebook, result))


@router.post("/{result}/cancel", status_code=202, responses=refuses(404, 409))
@needs(Scope.WRITE)
def cancel(notebook: str, result: str, house: InHouse) -> ResultModel:
    """Have it made no more: at once if it waits, soon if it runs."""
    return _shown(house, house.desk.workshop.cancel(notebook, result))


@router.delete("/{result}", status_code=204, responses=refuses(404))
@needs(Scope.WRITE)
def delete(notebook: str, result: str, house: InHouse) -> None:
    """Delete what was made; if it is still being made, that ends."""
    house.desk.workshop.delete(notebook, result)


def _shown(house: House, result: Result) -> ResultModel:
    now, state, progress = house.desk.workshop.seen(result)
    made = now.content
    passages = [passage_of(each) for each in made["passages"]] if "passages" in made else None
    return ResultModel(
        id=now.id,
        notebook=now.notebook,
        kind=now.kind,  # type: ignore[arg-type] # pydantic judges it
        state=state,  # type: ignore[arg-type] # likewise
        sources=list(now.sources),
        done=progress.get("done"),
        of=progress.get("of"),
        reason=now.reason or None,
        text=made.get("text"),
        items=made.get("items"),
        passages=passages,
        model=made.get("model"),
        measured=made.get("measured"),
        created=moment(now.created),
        changed=moment(now.changed),
    )
