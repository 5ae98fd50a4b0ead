# SPDX-License-Identifier: Apache-2.0
"""The services: how each is, what it wrote, and a new start."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_services as api
from beast_ops.api.house import House, InHouse
from beast_ops.api.rules import needs
from beast_ops.card_parts import DNS_LABEL

from .shell import HOME, page
from .told import saying, told

router = APIRouter(prefix=f"{HOME}/services", include_in_schema=False)
LINES = 300
Named = Annotated[str, Path(pattern=DNS_LABEL, max_length=40)]


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse) -> Response:
    """Show all services."""
    seen = await _seen(house)
    return page("services", request, here="services", title="Services", **seen)


@router.get("/now")
@needs(Scope.READ)
async def now(request: Request, house: InHouse) -> Response:
    """Show how all services are at this moment."""
    return page("services_now", request, **await _seen(house))


@router.get("/{name}")
@needs(Scope.READ)
async def one(name: Named, request: Request, house: InHouse) -> Response:
    """Show one service with its log."""
    lines = await told(_lines(name, house))
    return page("service", request, here="services", title=name, name=name, lines=lines)


@router.get("/{name}/logs")
@needs(Scope.READ)
async def logs(name: Named, request: Request, house: InHouse) -> Response:
    """Show what one service wrote last."""
    return page("service_logs", request, name=name, lines=await told(_lines(name, house)))


@router.post("/{name}/restart")
@needs(Scope.ADMIN)
async def restart(name: Named, request: Request, house: InHouse) -> Response:
    """Start one service anew, and say whether it is well again."""
    done = await told(api.restart(name, house, Response()))
    answer = page("services_now", request, **await _seen(house))
    if done.trouble:
        return saying(answer, f"{name}: {done.trouble.message}", "bad")
    return saying(answer, f"{name} was restarted and is well.")


async def _lines(name: str, house: House) -> list[str]:
    return (await api.read_logs(name, house, LINES)).lines


async def _seen(house: House) -> dict[str, Any]:
    services = await told(_services(house))
    report = await house.health.get()
    findings = {check.name: check.message for check in report.checks}
    return {"services": services, "findings": findings}


async def _services(house: House) -> list[api.ServiceModel]:
    return (await api.list_services(house)).services
