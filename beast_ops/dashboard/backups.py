# SPDX-License-Identifier: Apache-2.0
"""The backups: make one, prove it, put it back; and what the host did about them."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_operations as api
from beast_ops.api.house import House, InHouse
from beast_ops.api.rules import needs

from .shell import HOME, page
from .told import saying, told

router = APIRouter(prefix=f"{HOME}/backups", include_in_schema=False)
SHOWN = 20
RUNNING = "running"


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse) -> Response:
    """Show all backups and the newest operations."""
    return page("backups", request, here="backups", title="Backups", **await _seen(house))


@router.get("/now")
@needs(Scope.READ)
async def now(request: Request, house: InHouse) -> Response:
    """Show how the backups and operations are at this moment."""
    return page("backups_now", request, **await _seen(house))


@router.get("/operations/{operation}")
@needs(Scope.READ)
async def operation(operation: api.OperationId, request: Request, house: InHouse) -> Response:
    """Show one operation and what it printed."""
    found = await told(api.operation(operation, house))
    name = operation[:12]
    return page("operation", request, here="backups", title=f"Operation {name}", found=found)


@router.get("/operations/{operation}/now")
@needs(Scope.READ)
async def operation_now(operation: api.OperationId, request: Request, house: InHouse) -> Response:
    """Show how one operation is at this moment."""
    return page("operation_now", request, found=await told(api.operation(operation, house)))


@router.post("/make")
@needs(Scope.ADMIN)
async def make(request: Request, house: InHouse) -> Response:
    """Begin a backup."""
    return await _begun(request, house, api.back_up(house), "A backup is being made.")


@router.post("/{name}/verify")
@needs(Scope.ADMIN)
async def verify(name: api.BackupName, request: Request, house: InHouse) -> Response:
    """Begin to read a whole backup."""
    return await _begun(request, house, api.verify(name, house), f"{name} is being read.")


@router.post("/{name}/drill")
@needs(Scope.ADMIN)
async def drill(name: api.BackupName, request: Request, house: InHouse) -> Response:
    """Begin to restore a backup beside the real stack."""
    body = api.DrillBody(name=name)
    return await _begun(request, house, api.drill(body, house), f"{name} is restored beside.")


@router.post("/{name}/restore")
@needs(Scope.ADMIN)
async def restore(name: api.BackupName, request: Request, house: InHouse) -> Response:
    """Begin to put a backup back; the page has asked before."""
    body = api.RestoreBody(confirm=name)
    said = f"{name} is being restored. This page is away for some seconds meanwhile."
    return await _begun(request, house, api.restore(name, body, house), said)


async def _begun(request: Request, house: House, asked: Awaitable[Any], said: str) -> Response:
    begun = await told(asked)
    answer = page("backups_now", request, **await _seen(house))
    if begun.trouble:
        return saying(answer, f"{begun.trouble.message}. {begun.trouble.hint}", "bad")
    return saying(answer, said)


async def _seen(house: House) -> dict[str, Any]:
    backups, operations = await asyncio.gather(
        told(api.backups(house, SHOWN, 0)), told(api.operations(house, SHOWN, 0))
    )
    found = operations.value.operations if operations.value else []
    return {
        "backups": backups,
        "operations": found,
        "busy": any(each.state == RUNNING for each in found),
    }
