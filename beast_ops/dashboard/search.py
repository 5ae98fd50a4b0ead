# SPDX-License-Identifier: Apache-2.0
"""Search: a question, the passages that answer it, and the words that were found in them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api.house import House, InHouse
from beast_ops.api.routes_search import note
from beast_ops.api.rules import needs
from beast_ops.knowledge import COLLECTION
from beast_ops.search.model import MODES, SearchOptions, clean, mode_of

from .shell import HOME, page
from .told import Told, told

router = APIRouter(prefix=f"{HOME}/search", include_in_schema=False)
LIMIT = 12
_BARE = {"title": None, "path": None, "page": None, "heading": None}  # what a hit may lack


class Question(BaseModel):
    """What somebody asks, and where."""

    query: Annotated[str, Field(max_length=10_000)] = ""
    collection: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] = COLLECTION
    mode: Annotated[str, Field(max_length=20)] = "hybrid"


Asked = Annotated[Question, Query()]


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse, question: Asked) -> Response:
    """Show where one asks, and what was found."""
    names = await told(house.store.names())
    return page(
        "search",
        request,
        here="search",
        title="Search",
        names=sorted({*(names.value or ()), question.collection}),
        modes=MODES,
        **await _seen(house, question),
    )


@router.get("/found")
@needs(Scope.READ)
async def found(request: Request, house: InHouse, question: Asked) -> Response:
    """Show what was found."""
    return page("search_found", request, **await _seen(house, question))


async def _seen(house: House, question: Question) -> dict[str, Any]:
    asked: Told[Any] = Told()
    if question.query.strip():
        asked = await told(_ask(house, question))
    return {**question.model_dump(), "asked": asked}


async def _ask(house: House, question: Question) -> dict[str, Any]:
    mode = mode_of(question.mode)
    options = SearchOptions(collection=question.collection, limit=LIMIT, mode=mode)
    answer = await house.searcher.search(clean(question.query), options)
    note(house, options, answer)
    found = answer.as_dict()
    hits = [{**_BARE, **hit} for hit in found["hits"]]
    return {"note": "", **found, "hits": hits}
