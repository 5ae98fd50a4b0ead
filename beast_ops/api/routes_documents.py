# SPDX-License-Identifier: Apache-2.0
"""Look through the documents of a collection."""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from beast_ops.access.model import Scope
from beast_ops.ingest.batches import modified
from beast_ops.ingest.manifest import NAME_PATTERN
from beast_ops.ingest.settings import state_file
from beast_ops.ingest.sources import shown, uri
from beast_ops.ingest.state import DocumentState, Listed

from .house import InHouse
from .rules import needs

router = APIRouter(tags=["search"])
PAGE = 50
PAGE_MOST = 1000
Alias = Annotated[str, InPath(pattern=NAME_PATTERN)]


class DocumentModel(BaseModel):
    """A document that was ingested."""

    source: str
    path: str
    size: int = Field(description="In bytes")
    chunks: int
    modified: str | None = Field(description="When the file was last written; null where unknown")


class DocumentsModel(BaseModel):
    """Documents by their sources; `after` asks for the next ones, null at the end."""

    documents: list[DocumentModel]
    after: str | None


@router.get("/collections/{collection}/documents")
@needs(Scope.READ)
async def list_documents(
    collection: Alias,
    house: InHouse,
    match: Annotated[str, Query(max_length=200, description="Words in the path")] = "",
    after: Annotated[str, Query(max_length=16_384)] = "",
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE,
) -> DocumentsModel:
    """List the documents of a collection."""
    shape = await house.store.shape(collection)
    asked = (shape.physical, _as_in_sources(match), after, limit + 1)
    found = await asyncio.to_thread(_listed, house.surroundings.data, *asked)
    here = found[:limit]
    return DocumentsModel(
        documents=[_model(each) for each in here],
        after=here[-1].source if len(found) > limit else None,
    )


def _listed(data: Path, physical: str, match: str, after: str, most: int) -> list[Listed]:
    state = state_file(data)
    if not state.is_file():
        return []
    with DocumentState(state, read_only=True) as opened:
        return opened.listed(physical, match, after, most)


def _as_in_sources(match: str) -> str:
    """Return *match* as the path of a source has it, in small letters."""
    return uri("", match).removeprefix("file://").lower()


def _model(found: Listed) -> DocumentModel:
    return DocumentModel(
        source=found.source,
        path=shown(found.source),
        size=found.size,
        chunks=found.count,
        modified=modified(found.mtime_ns),
    )
