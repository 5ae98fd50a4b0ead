# SPDX-License-Identifier: Apache-2.0
"""The documents: drop some, look through them, see what could not be read."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_documents as api
from beast_ops.api.house import House, InHouse
from beast_ops.api.rules import needs
from beast_ops.ingest.intake import KIND
from beast_ops.ingest.manifest import CollectionName
from beast_ops.knowledge import COLLECTION

from .jobs import newest
from .shell import HOME, page
from .told import Told, told

router = APIRouter(prefix=f"{HOME}/documents", include_in_schema=False)
SHOWN = 8  # of the newest ingestions
Match = Annotated[str, Query(max_length=200)]
After = Annotated[str, Query(max_length=16_384)]


@router.get("")
@needs(Scope.READ)
async def whole(
    request: Request, house: InHouse, collection: CollectionName = COLLECTION, match: Match = ""
) -> Response:
    """Show the documents of a collection, and where new ones are dropped."""
    names = await told(house.store.names())
    return page(
        "documents",
        request,
        here="documents",
        title="Documents",
        names=sorted({*(names.value or ()), collection}),
        folders=house.settings().folders,
        jobs=await _ingestions(house),
        **await _seen(house, collection, match, ""),
    )


@router.get("/list")
@needs(Scope.READ)
async def listed(
    request: Request,
    house: InHouse,
    collection: CollectionName = COLLECTION,
    match: Match = "",
    after: After = "",
) -> Response:
    """Show a page of the documents of a collection."""
    return page("documents_list", request, **await _seen(house, collection, match, after))


@router.get("/ingestions")
@needs(Scope.READ)
async def ingestions(request: Request, house: InHouse) -> Response:
    """Show the newest ingestions."""
    return page("documents_ingestions", request, jobs=await _ingestions(house))


async def _ingestions(house: House) -> Any:
    return [each for each in await newest(house) if each.kind == KIND][:SHOWN]


async def _seen(house: House, collection: str, match: str, after: str) -> dict[str, Any]:
    found: Told[Any]
    if collection in await house.store.names():
        found = await told(api.list_documents(collection, house, match, after))
    else:
        found = Told(value=api.DocumentsModel(documents=[], after=None))
    return {"found": found, "collection": collection, "match": match, "first": not after}
