# SPDX-License-Identifier: Apache-2.0
"""See what services run, read what they wrote, restart one: all done by the agent on the host."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.agent.client import LONG_SECONDS
from beast_ops.agent.protocol import LINES, Request
from beast_ops.card_parts import DNS_LABEL

from .host import asked
from .house import InHouse
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
    """The service that was restarted, and is well again.

    The API itself is only about to be: follow the operation.
    """

    restarted: str
    operation: str | None = None


@router.get("")
@needs(Scope.READ, cache=CACHE_SECONDS)
async def list_services(house: InHouse) -> ServicesModel:
    """Tell how every service is."""
    return ServicesModel(services=await asked(house, Request(verb="status")))


@router.get("/{name}/logs")
@needs(Scope.READ)
async def read_logs(
    name: ServiceName, house: InHouse, lines: Annotated[int, Query(ge=1, le=LINES)] = 100
) -> LogsModel:
    """Return the last lines a service wrote."""
    request = Request(verb="logs", service=name, lines=lines)
    return LogsModel(lines=await asked(house, request))


@router.post(
    "/{name}/restart",
    responses={202: {"model": RestartedModel, "description": "This API is about to be"}},
)
@needs(Scope.ADMIN)
async def restart(name: ServiceName, house: InHouse, response: Response) -> RestartedModel:
    """Stop and start a service, and wait until it is well."""
    request = Request(verb="restart", service=name)
    found = RestartedModel.model_validate(await asked(house, request, LONG_SECONDS))
    if found.operation:
        response.status_code = 202
    return found
