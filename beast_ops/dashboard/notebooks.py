# SPDX-License-Identifier: Apache-2.0
"""The notebooks: sources that belong together, what was made of them, and talk about them."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_notebooks as books
from beast_ops.api import routes_sources as sources
from beast_ops.api import routes_transformations as results
from beast_ops.api.house import House, InHouse
from beast_ops.api.rules import needs
from beast_ops.notebooks.digest import KINDS

from .shell import HOME, page
from .told import told

router = APIRouter(prefix=f"{HOME}/notebooks")
SHOWN = 100
WORDS = {
    "summary": "Summary",
    "insights": "Insights",
    "flashcards": "Flashcards",
    "questions": "Key questions",
}


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse) -> Response:
    """Show all notebooks, and where one is begun."""
    seen = await told(asyncio.to_thread(books.list_notebooks, house, SHOWN, 0))
    return page("notebooks", request, here="notebooks", title="Notebooks", found=seen)


@router.get("/now")
@needs(Scope.READ)
async def now(request: Request, house: InHouse) -> Response:
    """Show the notebooks there are at this moment."""
    seen = await told(asyncio.to_thread(books.list_notebooks, house, SHOWN, 0))
    return page("notebooks_now", request, found=seen)


@router.get("/{notebook}")
@needs(Scope.READ)
async def one(notebook: str, request: Request, house: InHouse) -> Response:
    """Show one notebook."""
    book = await asyncio.to_thread(books.show, notebook, house)
    seen = await _seen(notebook, house)
    return page(
        "notebook", request, here="notebooks", title=book.name, book=book, kinds=KINDS, **seen
    )


@router.get("/{notebook}/sources")
@needs(Scope.READ)
async def sources_now(notebook: str, request: Request, house: InHouse) -> Response:
    """Show how the sources of a notebook are at this moment."""
    return page("notebook_sources", request, **await _seen(notebook, house))


@router.get("/{notebook}/results")
@needs(Scope.READ)
async def results_now(notebook: str, request: Request, house: InHouse) -> Response:
    """Show what was made of a notebook so far."""
    return page("notebook_results", request, **await _seen(notebook, house))


async def _seen(notebook: str, house: House) -> dict[str, Any]:
    there, made = await asyncio.gather(
        told(asyncio.to_thread(sources.list_sources, notebook, house, SHOWN, 0)),
        told(asyncio.to_thread(results.list_results, notebook, house, SHOWN, 0)),
    )
    found = made.value.transformations if made.value else []
    return {
        "notebook": notebook,
        "sources": there,
        "results": made,
        "busy": any(each.state in {"pending", "running"} for each in found),
        "words": WORDS,
    }
