# SPDX-License-Identifier: Apache-2.0
"""The models: what is there, what is in memory and where, fetch one, delete one."""

import asyncio
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_catalogue as catalogue
from beast_ops.api import routes_models as api
from beast_ops.api.house import House, InHouse
from beast_ops.api.rules import needs
from beast_ops.models.entry import Task
from beast_ops.models.job import KIND

from .jobs import newest
from .shell import HOME, page
from .told import saying, told

router = APIRouter(prefix=f"{HOME}/models", include_in_schema=False)
FETCHES = 5  # of the newest
SHOWN = 6
RANKS = ("fits", "fits-on-cpu", "unknown", "does-not-fit")
TASKS = tuple(task for task in get_args(Task) if task in {"chat", "code", "embedding"})


class Wanted(BaseModel):
    """What a model is wanted for, or words that name one."""

    task: Task = "chat"
    text: Annotated[str, Field(max_length=200)] = ""


Asked = Annotated[Wanted, Query()]


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse) -> Response:
    """Show all models, and where one is fetched."""
    seen, advice = await asyncio.gather(_seen(house), _advised(house, Wanted()))
    return page("models", request, here="models", title="Models", **seen, **advice)


@router.get("/advice")
@needs(Scope.READ)
async def advice(request: Request, house: InHouse, asked: Asked) -> Response:
    """Show which models are recommended, and whether they fit."""
    return page("models_advice", request, **await _advised(house, asked))


@router.post("/{name:path}/fetch")
@needs(Scope.ADMIN)
async def fetch(
    name: api.Named,
    request: Request,
    house: InHouse,
    force: bool = False,  # noqa: FBT001, FBT002 - a word of the address
) -> Response:
    """Fetch a model, unless it cannot fit; or all the same."""
    body = api.PullBody(model=name, force=force)
    done = await told(api.pull(body, house))
    answer = page("models_now", request, **await _seen(house))
    if done.trouble:
        return saying(answer, done.trouble.message, "bad")
    return saying(answer, f"{name} is being fetched.")


@router.get("/now")
@needs(Scope.READ)
async def now(request: Request, house: InHouse) -> Response:
    """Show how the models are at this moment."""
    return page("models_now", request, **await _seen(house))


@router.post("/{name:path}/delete")
@needs(Scope.ADMIN)
async def delete(name: api.Named, request: Request, house: InHouse) -> Response:
    """Delete a model."""
    done = await told(api.delete(name, house))
    answer = page("models_now", request, **await _seen(house))
    if done.trouble:
        return saying(answer, done.trouble.message, "bad")
    return saying(answer, f"{name} is gone.")


async def _seen(house: House) -> dict[str, Any]:
    models, jobs = await asyncio.gather(told(api.listed(house)), newest(house))
    fetches = [each for each in jobs if each.kind == KIND][:FETCHES]
    found = models.value.models if models.value else []
    return {
        "models": models,
        "fetches": fetches,
        "disk": sum(each.bytes for each in found),
        "memory": sum(each.memory.bytes for each in found if each.memory),
    }


async def _advised(house: House, asked: Wanted) -> dict[str, Any]:
    """Return the best models for that, those that fit first."""
    query = catalogue.CatalogueQuery(text=asked.text.strip(), task=asked.task, limit=catalogue.MOST)
    found = await told(catalogue.listed(house, query))
    models = found.value.models if found.value else []
    best = sorted(models, key=lambda each: RANKS.index(each.fit.verdict))[:SHOWN]
    return {"advice": found, "best": best, "tasks": TASKS, "task": asked.task, "text": asked.text}
