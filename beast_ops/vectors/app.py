# SPDX-License-Identifier: Apache-2.0
"""The application: routes behind the gate, and what runs beside them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beast_ops.clock import SYSTEM

from .answers import refusal
from .auth import Gate, Keys
from .errors import RefusedError
from .metrics import Metrics
from .routes import collections, points, service, snapshots
from .store import Store
from .upkeep import Upkeep


class Counted:
    """ASGI middleware: counts and times every answer by route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Count what *app* answers."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note status and time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = scope.get("route")
            endpoint = getattr(route, "path", "unknown")
            self._metrics.observe(scope["method"], endpoint, status, time.perf_counter() - start)


async def no_route(request: Request, error: Exception) -> Response:
    """Answer what is not there, or not with this method, naming it."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = f"{request.method} {request.url.path}"
    return refusal(
        RefusedError(status, f"Not found: the embedded vector engine has no {what}"),
        time.perf_counter(),
    )


def build(store: Store, keys: Keys, optimize_points: int) -> Starlette:
    """Return the application that serves *store* to holders of *keys*.

    Args:
        store: The collections; closed when the application ends.
        keys: Who may do what.
        optimize_points: Fresh points after which a collection is optimised.
    """
    metrics = Metrics(service.VERSION)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        upkeep = Upkeep(store, metrics, optimize_points)
        beside = [asyncio.create_task(store.open_all()), asyncio.create_task(upkeep.run())]
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            store.close()

    app = Starlette(
        routes=[*points.ROUTES, *collections.ROUTES, *snapshots.ROUTES, *service.ROUTES],
        middleware=[Middleware(Counted, metrics=metrics), Middleware(Gate, keys=keys)],
        exception_handlers={404: no_route, 405: no_route},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.store, app.state.metrics = store, metrics
    app.state.started = SYSTEM.now().isoformat()
    return app
