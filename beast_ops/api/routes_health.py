# SPDX-License-Identifier: Apache-2.0
"""Is it well, does it live, is it ready; and its figures."""

import asyncio
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import Response as PlainResponse
from starlette.routing import Route

from beast_ops.access.model import Scope

from .house import InHouse
from .metrics import Figures
from .rules import OPEN, needs

router = APIRouter(tags=["health"])
State = Literal["healthy", "degraded", "unhealthy", "unknown"]
LIVE = b'{"status":"alive"}'


class CheckModel(BaseModel):
    """One check."""

    name: str
    status: State
    message: str
    details: dict[str, Any]
    duration_ms: float


class ReportModel(BaseModel):
    """All checks, made at once."""

    status: State
    timestamp: str
    checks: list[CheckModel]


class ReadyModel(BaseModel):
    """The API and all it needs are ready."""

    status: Literal["ready"]


@router.get(
    "/health",
    response_model=ReportModel,
    responses={503: {"model": ReportModel, "description": "Unhealthy or unknown"}},
)
@needs(Scope.READ)
async def health(house: InHouse) -> JSONResponse:
    """Look at all services, the disk and the memory; 200 if healthy or degraded, else 503."""
    found = await house.health.get()
    return JSONResponse(found.as_dict(), 200 if found.passable else 503)


@router.get("/health/ready")
@needs(OPEN, limit="")
async def ready(house: InHouse) -> ReadyModel:
    """Answer 200 if what the API needs is there, else 503. Needs no token."""
    await house.ready.get()
    return ReadyModel(status="ready")


@needs(OPEN, limit="")
async def live(_: Request) -> PlainResponse:
    """Answer as long as the process lives; as bare as possible, for it is asked all the time."""
    return PlainResponse(LIVE, media_type="application/json")


def plain_routes(figures: Figures) -> list[Route]:
    """Return the routes that go without FastAPI."""

    @needs(Scope.METRICS, limit="")
    async def metrics(request: Request) -> PlainResponse:
        # A fraction of a millisecond: less than it takes to have a thread do it.
        text, kind = figures.text(request.headers.get("accept", ""))
        return PlainResponse(text, media_type=kind)

    return [Route("/health/live", live), Route("/metrics", metrics)]


def certificate_route(path: Path) -> Route:
    """Return the route that hands out the certificate at *path* to whoever wants to trust us.

    It is public by nature: every connection to the front door shows it.
    """

    @needs(OPEN)
    async def certificate(_: Request) -> PlainResponse:
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError:
            raise HTTPException(404, "this installation has no authority of its own") from None
        return PlainResponse(
            content,
            media_type="application/x-x509-ca-cert",
            headers={"content-disposition": 'attachment; filename="ca.crt"'},
        )

    return Route("/ca.crt", certificate)
