# SPDX-License-Identifier: Apache-2.0
"""Notebooks: made, listed, changed, deleted.

These routes wait for a database and are no coroutines, so they run in threads.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from beast_ops.access.model import Scope
from beast_ops.notebooks.store import Page

from .house import InHouse, taking
from .notebook_models import (
    NotebookBody,
    NotebookChange,
    NotebookModel,
    NotebooksModel,
    notebook_model,
    notebooks_model,
)
from .pages import PAGE, Limit, Offset
from .refusals import refuses
from .rules import needs

router = APIRouter(tags=["notebooks"], prefix="/notebooks", dependencies=[Depends(taking)])

SEARCH_CHARACTERS = 200


@router.post("", status_code=201, responses=refuses(409, 422))
@needs(Scope.WRITE)
def create(body: NotebookBody, house: InHouse) -> NotebookModel:
    """Make a notebook."""
    return notebook_model(house.desk.notebooks.create(body.name, body.description))


@router.get("", responses=refuses(422))
@needs(Scope.READ)
def list_notebooks(
    house: InHouse,
    limit: Limit = PAGE,
    offset: Offset = 0,
    search: Annotated[
        str,
        Query(max_length=SEARCH_CHARACTERS, description="What name or description must contain"),
    ] = "",
) -> NotebooksModel:
    """List notebooks, the newest change first."""
    return notebooks_model(*house.desk.notebooks.page(Page(limit, offset), search))


@router.get("/{notebook}", responses=refuses(404))
@needs(Scope.READ)
def show(notebook: str, house: InHouse) -> NotebookModel:
    """Tell of one notebook."""
    return notebook_model(house.desk.notebooks.get(notebook))


@router.patch("/{notebook}", responses=refuses(404, 409, 422))
@needs(Scope.WRITE)
def change(notebook: str, body: NotebookChange, house: InHouse) -> NotebookModel:
    """Give a notebook another name or description."""
    return notebook_model(house.desk.notebooks.update(notebook, body.name, body.description))


@router.delete("/{notebook}", status_code=204, responses=refuses(404))
@needs(Scope.WRITE)
def delete(notebook: str, house: InHouse) -> None:
    """Delete a notebook with its sources, sessions and results; searches find them no more."""
    house.desk.notebooks.delete(notebook)
