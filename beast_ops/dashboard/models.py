# SPDX-License-Identifier: Apache-2.0
"""The models: what is there, what is in memory and where, fetch one, delete one."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from beast_ops.api import routes_models as api
from beast_ops.api.house import House, InHouse
from beast_ops.models.job import KIND

from .jobs import newest
from .shell import HOME, page
from .told import Told, Trouble, saying, told

router = APIRouter(prefix=f"{HOME}/models")
FETCHES = 5  # of the newest


@router.get("")
async def whole(request: Request, house: InHouse) -> Response:
    """Show all models, and where one is fetched."""
    return page("models", request, here="models", title="Models", **await _seen(house))


@router.get("/now")
async def now(request: Request, house: InHouse) -> Response:
    """Show how the models are at this moment."""
    return page("models_now", request, **await _seen(house))


@router.post("/pull")
async def pull(request: Request, house: InHouse) -> Response:
    """Fetch the model that the form names."""
    name = parse_qs((await request.body()).decode(errors="replace")).get("model", [""])[0].strip()
    done = await _pull(house, name)
    answer = page("models_now", request, **await _seen(house))
    if done.trouble:
        return saying(answer, done.trouble.message, "bad")
    return saying(answer, f"{name} is being fetched.")


@router.post("/{name:path}/delete")
async def delete(name: api.Named, request: Request, house: InHouse) -> Response:
    """Delete a model."""
    done = await told(api.delete(name, house))
    answer = page("models_now", request, **await _seen(house))
    if done.trouble:
        return saying(answer, done.trouble.message, "bad")
    return saying(answer, f"{name} is gone.")


async def _pull(house: House, name: str) -> Told[Any]:
    try:
        wish = api.PullBody(model=name)
    except ValidationError:
        return Told(trouble=Trouble(f"{name!r} is no name of a model", "Such as llama3.2:3b."))
    return await told(api.pull(wish, house))


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
