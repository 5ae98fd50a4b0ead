# SPDX-License-Identifier: Apache-2.0
"""Put the API together: guard, plain routes, typed routes, manual."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from beast_ops import __version__
from beast_ops.access import services
from beast_ops.cards import read_services
from beast_ops.counting import counting
from beast_ops.dashboard import mistakes, rooms, shell
from beast_ops.keys import read_pair
from beast_ops.settings import Watched

from . import (
    docs,
    routes_access,
    routes_catalogue,
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
    routes_tasks,
    routes_transformations,
)
from .description import completed
from .entry import open_gate
from .gate import Gate, Tokens
from .guard import Guard
from .house import open_house, watched_settings
from .limiter import Limiter
from .metrics import Figures
from .names import Named
from .openai_errors import OpenAiErrors
from .problems import handlers
from .rules import OPEN, Rules, needs
from .settings import Surroundings
from .straight import Straight
from .together import valkey_of
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
    routes_catalogue,
    routes_models,
    routes_notebooks,
    routes_sources,
    routes_tasks,
    routes_sessions,
    routes_transformations,
    routes_events,
    routes_access,
    rooms,
)
TITLE = "AI Beast"
DESCRIPTION = (
    "Documents in, passages out. Every route but /health/live, /health/ready, /ca.crt and "
    "this manual wants the header Authorization: Bearer TOKEN. What nobody foresaw is answered "
    "with 500, in the shape of every other refusal."
)


def build(around: Surroundings) -> ASGIApp:
    """Return the API for the process whose things are *around*; raises as `guarded` does."""
    return OpenAiErrors(guarded(around))


def guarded(around: Surroundings) -> Guard:
    """Return the API behind its guard, which knows the rules of all routes.

    Raises:
        BeastError: If a token is missing or empty, or the settings cannot be read; the API
            does not start open.
    """
    shown = services.tokens(around.secrets, around.clients)
    tokens = Tokens(*read_pair(around.secrets, "token", "metrics_token"), shown)
    gate = Gate(tokens, around.clients)
    counted = counting(valkey_of(around))
    settings = watched_settings(around)
    settings.get()
    figures = Figures()
    named = Named(settings.get, Watched(read_services, around.services).get)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = open_house(around, settings, figures)
        async with aclosing(counted), open_gate(gate, around.data), opened as house:
            app.state.house = house
            yield

    app = _bare(lifespan)
    plain = [
        *routes_health.plain_routes(figures),
        routes_health.certificate_route(around.certificate),
        *shell.static_routes(),
        verify_route(gate, named),
        *_manual(app),
    ]
    # Not by include_router: that keeps routers within routers, and asks each of them.
    app.routes.extend([*plain, *(route for room in ROOMS for route in room.router.routes)])
    rules = Rules(app.routes)
    app.state.gate, app.state.named, app.state.rules = gate, named, rules
    app.router.middleware_stack = Straight(app.router.app, app.routes)
    guard = Guard(app, gate, rules, named, figures.requests)
    guard.limiter = Limiter(counted)
    return guard


def _bare(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    return FastAPI(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        exception_handlers=mistakes.readable(handlers()),
        redirect_slashes=False,
    )


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description of *app*; put together once."""
    found: dict[str, Any] | None = getattr(app.state, "description", None)
    if found is None:
        found = app.state.description = completed(app.openapi(), app.state.rules)
    return found


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


def described() -> dict[str, Any]:
    """Return the OpenAPI description of the API of any installation: all have the same."""

    @asynccontextmanager
    async def nothing(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = _bare(nothing)
    app.routes.extend(route for room in ROOMS for route in room.router.routes)
    app.state.rules = Rules(app.routes)
    return describe(app)
