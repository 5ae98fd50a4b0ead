# SPDX-License-Identifier: Apache-2.0
"""Put the API together: guard, plain routes, typed routes, manual."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from beast_ops import __version__
from beast_ops.cards import read_services
from beast_ops.dashboard import mistakes, rooms, shell
from beast_ops.keys import read_pair
from beast_ops.settings import Watched

from . import (
    docs,
    routes_access,
    routes_documents,
    routes_events,
    routes_health,
    routes_ingest,
    routes_jobs,
    routes_models,
    routes_notebooks,
    routes_openai,
    routes_operations,
    routes_queue,
    routes_search,
    routes_services,
    routes_sessions,
    routes_sources,
    routes_transformations,
)
from .entry import open_gate
from .gate import Gate, Tokens
from .guard import Guard
from .house import open_house, watched_settings
from .metrics import Figures
from .names import Named
from .openai_errors import OpenAiErrors
from .problems import Problem, handlers
from .rules import OPEN, Rules, needs
from .settings import Surroundings
from .verify import verify_route

ROOMS = (
    routes_health,
    routes_search,
    routes_documents,
    routes_openai,
    routes_ingest,
    routes_jobs,
    routes_queue,
    routes_services,
    routes_operations,
    routes_models,
    routes_notebooks,
    routes_sources,
    routes_sessions,
    routes_transformations,
    routes_events,
    routes_access,
    rooms,
)
TITLE = "AI Beast"
DESCRIPTION = (
    "Documents in, passages out. Every route but /health/live, /health/ready, /ca.crt and "
    "this manual wants the header Authorization: Bearer TOKEN."
)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "Refused"},
    "5XX": {"model": Problem, "description": "Failed, or not ready"},
}


def build(around: Surroundings) -> ASGIApp:
    """Return the API for the process whose things are *around*; raises as `guarded` does."""
    return OpenAiErrors(guarded(around))


def guarded(around: Surroundings) -> Guard:
    """Return the API behind its guard, which knows the rules of all routes.

    Raises:
        BeastError: If a token is missing or empty, or the settings cannot be read; the API
            does not start open.
    """
    gate = Gate(Tokens(*read_pair(around.secrets, "token", "metrics_token")))
    settings = watched_settings(around)
    settings.get()
    figures = Figures()
    named = Named(settings.get, Watched(read_services, around.services).get)
    typed = _typed()
    typed.state.gate = gate
    typed.state.named = named

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with open_gate(gate, around.data), open_house(around, settings, figures) as house:
            typed.state.house = house
            yield

    outer = Starlette(
        routes=[
            *routes_health.plain_routes(figures),
            routes_health.certificate_route(around.certificate),
            *shell.static_routes(),
            verify_route(gate, named),
            *_manual(typed),
        ],
        lifespan=lifespan,
        exception_handlers=handlers(),
    )
    # Not a mount: that would answer 404 where a plain route refuses a method.
    outer.router.default = typed
    rules = Rules(outer.routes, typed.routes)
    typed.state.rules = rules
    return Guard(outer, gate, rules, named, figures.requests)


def _typed() -> FastAPI:
    app = FastAPI(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=_REFUSALS,
        exception_handlers=mistakes.readable(handlers()),
        redirect_slashes=False,
    )
    for room in ROOMS:
        app.include_router(room.router)
    return app


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description of *app*, saying which routes want a token."""
    description = app.openapi()
    components = description.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, item in description["paths"].items():
        for method, operation in item.items():
            is_open = app.state.rules.is_open(path, method.upper())
            operation["security"] = [] if is_open else [{"token": []}]
    return description


def _manual(app: FastAPI) -> list[Route]:
    @needs(OPEN)
    async def manual(_: Request) -> Response:
        return HTMLResponse(
            docs.page(describe(app)), headers={"content-security-policy": docs.POLICY}
        )

    @needs(OPEN)
    async def machine(_: Request) -> Response:
        return JSONResponse(describe(app))

    return [
        Route("/docs", manual),
        Route("/redoc", manual),
        Route("/openapi.json", machine),
    ]
