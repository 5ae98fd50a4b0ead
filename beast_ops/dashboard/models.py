# SPDX-License-Identifier: Apache-2.0
"""The models: what is there, what is in memory and where, fetch one, delete one."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_models as api
from beast_ops.api.house import House, InHouse
from beast_ops.api.rules import needs
from beast_ops.models.job import KIND

from .jobs import newest
from .shell import HOME, page
from .told import saying, told

router = APIRouter(prefix=f"{HOME}/models", include_in_schema=False)
FETCHES = 5  # of the newest


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse) -> Response:
    """Show all models, and where one is fetched."""
    return page("models", request, here="models", title="Models", **await _seen(house))


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
