# SPDX-License-Identifier: Apache-2.0
"""See what services run, read what they wrote, restart one: all done by the agent on the host."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from beast_ops.access.model import Scope
from beast_ops.agent.client import LONG_SECONDS, SECONDS, ask
from beast_ops.agent.protocol import LINES, Request, socket_of
from beast_ops.card_parts import DNS_LABEL

from .house import House, InHouse
from .rules import CACHE_SECONDS, needs

router = APIRouter(tags=["services"], prefix="/services")
ServiceName = Annotated[str, Path(pattern=DNS_LABEL, max_length=40)]


class ServiceModel(BaseModel):
    """One service and how it is."""

    name: str
    state: str
    pid: int | None
    uptime_seconds: float | None
    restarts: int


class ServicesModel(BaseModel):
    """All services, in start order."""

    services: list[ServiceModel]


class LogsModel(BaseModel):
    """The last lines a service wrote, without secrets of this installation."""

    lines: list[str]


class RestartedModel(BaseModel):
    """The service that was restarted, and is well again."""

    restarted: str


@router.get("")
@needs(Scope.READ, cache=CACHE_SECONDS)
async def list_services(house: InHouse) -> ServicesModel:
    """Tell how every service is."""
    return ServicesModel(services=await _ask(house, Request(verb="status")))


@router.get("/{name}/logs")
@needs(Scope.READ)
async def read_logs(
    name: ServiceName, house: InHouse, lines: Annotated[int, Query(ge=1, le=LINES)] = 100
) -> LogsModel:
    """Return the last lines a service wrote."""
    request = Request(verb="logs", service=name, lines=lines)
    return LogsModel(lines=await _ask(house, request))


@router.post("/{name}/restart")
@needs(Scope.ADMIN)
async def restart(name: ServiceName, house: InHouse) -> RestartedModel:
    """Stop and start a service, and wait until it is well."""
    request = Request(verb="restart", service=name)
    return RestartedModel.model_validate(await _ask(house, request, LONG_SECONDS))


async def _ask(house: House, request: Request, seconds: float = SECONDS) -> Any:
    path = socket_of(house.surroundings.root)
    return await asyncio.to_thread(ask, path, request, seconds)
