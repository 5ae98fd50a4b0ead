# SPDX-License-Identifier: Apache-2.0
"""Sources of a notebook: files, texts and pages in, their states out."""

import asyncio
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import Discriminator, Tag
from starlette.requests import Request

from beast_ops.access.model import Scope
from beast_ops.notebooks.model import Source
from beast_ops.notebooks.store import Page

from .house import House, InHouse, taking
from .notebook_models import (
    FileName,
    SourceModel,
    SourcesModel,
    TextBody,
    UrlBody,
    source_model,
)
from .pages import PAGE, Limit, Offset
from .refusals import refuses
from .routes_ingest import stream
from .rules import needs

router = APIRouter(tags=["sources"], prefix="/notebooks/{notebook}", dependencies=[Depends(taking)])


def _kind(body: Any) -> str:
    has_url = "url" in body if isinstance(body, dict) else isinstance(body, UrlBody)
    return "url" if has_url else "text"


AnyBody = Annotated[
    Annotated[TextBody, Tag("text")] | Annotated[UrlBody, Tag("url")], Discriminator(_kind)
]


@router.post("/sources", status_code=202, responses=refuses(404, 409, 413, 422, 503))
@needs(Scope.WRITE)
def add(notebook: str, body: AnyBody, house: InHouse) -> SourceModel:
    """Add a text, or the page behind an address; it is read in the background.

    Pages are fetched from here, by the rules of robots.txt, and from public addresses alone: what
    lies in other networks is added as a file by who can reach it.
    """
    shelf = house.desk.shelf
    if isinstance(body, UrlBody):
        return _shown(house, shelf.add_page(notebook, body.url))
    content = body.text.encode()
    with shelf.arrival(notebook, "text", body.name, len(content)) as arrival:
        arrival.write(content)
    return _shown(house, arrival.source)


@router.put(
    "/files/{name}",
    status_code=202,
    responses=refuses(404, 409, 413, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    },
)
@needs(Scope.WRITE)
async def send_file(
    notebook: str,
    name: Annotated[FileName, Path(examples=["owls.pdf"])],
    request: Request,
    house: InHouse,
) -> SourceModel:
    """Add a file: its content is the body, as it is; it is read in the background."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdigit() else 0
    arriving = house.desk.shelf.arrival(notebook, "file", name, size)
    opened = ExitStack()
    arrival = await asyncio.to_thread(opened.enter_context, arriving)
    try:
        await stream(request, arrival)
    except BaseException as failed:
        await asyncio.shield(asyncio.to_thread(_left, opened, failed))
        raise
    await asyncio.to_thread(opened.close)
    return await asyncio.to_thread(_shown, house, arrival.source)


def _left(opened: ExitStack, failed: BaseException) -> None:
    opened.__exit__(type(failed), failed, failed.__traceback__)


@router.get("/sources", responses=refuses(404, 422))
@needs(Scope.READ)
def list_sources(
    notebook: str, house: InHouse, limit: Limit = PAGE, offset: Offset = 0
) -> SourcesModel:
    """List the sources of a notebook, the newest first."""
    house.desk.notebooks.get(notebook)
    found, total = house.desk.sources.page(notebook, Page(limit, offset))
    return SourcesModel(sources=[_shown(house, each) for each in found], total=total)


@router.get("/sources/{source}", responses=refuses(404))
@needs(Scope.READ)
def show_source(notebook: str, source: str, house: InHouse) -> SourceModel:
    """Tell where a source stands."""
    return _shown(house, house.desk.sources.get(notebook, source))


@router.delete("/sources/{source}", status_code=204, responses=refuses(404))
@needs(Scope.WRITE)
def delete_source(notebook: str, source: str, house: InHouse) -> None:
    """Delete a source; searches find it no more, and its passages leave the collection."""
    house.desk.sources.delete(notebook, source)


def _shown(house: House, source: Source) -> SourceModel:
    return source_model(*house.desk.shelf.seen(source))
