# SPDX-License-Identifier: Apache-2.0
"""Traefik's own services: its dashboard and API, nothing at all, and how it is."""

import json
from collections.abc import Callable
from typing import Any

from . import VERSION
from .config import Static
from .middlewares import Handler, plain
from .schema import ConfigError
from .wire import Headers, Request, Response

PAGE = b"""<!doctype html><html lang="en"><title>Traefik</title>
<p>The dashboard of a double of Traefik.</p></html>
"""


def service(name: str, static: Static, table: Any) -> Handler:
    """Return the internal service *name*.

    Raises:
        ConfigError: If there is none, or it is not enabled.
    """
    if name == "noop":
        return _nothing
    if name == "api":
        section = static.section("api")
        if section is None:
            raise ConfigError("api is not enabled")
        return api(static, table, dashboard=section.get("dashboard", True))
    raise ConfigError(f'the service "{name}@internal" does not exist')


async def _nothing(_request: Request) -> Response:
    return plain(418, "I'm a teapot")


def api(static: Static, table: Any, *, dashboard: bool) -> Handler:
    """Return what shows the routes, to people and to programs."""
    pages: dict[str, Callable[[], Any]] = {
        "/api/version": lambda: {"Version": VERSION, "Codename": "double"},
        "/api/overview": lambda: _overview(table),
        "/api/entrypoints": lambda: [
            {"name": entry.name, "address": entry.address} for entry in static.entries.values()
        ],
        "/api/http/routers": lambda: [_router(router) for router in table.routers],
        "/api/http/middlewares": lambda: [
            {"name": f"{name}@file", "provider": "file", "status": "enabled", "type": next(iter(m))}
            for name, m in table.dynamic.middlewares.items()
        ],
        "/api/http/services": lambda: [
            {"name": f"{name}@file", "provider": "file", "status": "enabled", **said}
            for name, said in table.dynamic.services.items()
        ],
    }

    async def handle(request: Request) -> Response:
        path = request.path
        if dashboard and path in {"/", "/dashboard"}:
            return Response(302, Headers([("Location", "/dashboard/")]))
        if dashboard and path.startswith("/dashboard/"):
            return Response(200, Headers([("Content-Type", "text/html; charset=utf-8")]), PAGE)
        if path not in pages:
            return plain(404, "404 page not found")
        content = json.dumps(pages[path]()).encode()
        return Response(200, Headers([("Content-Type", "application/json")]), content)

    return handle


def _router(router: Any) -> dict[str, Any]:
    found = {
        "entryPoints": list(router.entries),
        "middlewares": [f"{name}@file" for name in router.said.get("middlewares") or ()],
        "service": router.said.get("service"),
        "rule": router.said.get("rule"),
        "priority": router.priority,
        "status": "disabled" if router.error else "enabled",
        "using": list(router.entries),
        "name": f"{router.name}@file",
        "provider": "file",
    }
    return {**found, "error": [router.error]} if router.error else found


def _overview(table: Any) -> dict[str, Any]:
    errors = sum(bool(router.error) for router in table.routers)

    def counted(total: int, wrong: int = 0) -> dict[str, int]:
        return {"total": total, "warnings": 0, "errors": wrong}

    http = {
        "routers": counted(len(table.routers), errors),
        "services": counted(len(table.dynamic.services)),
        "middlewares": counted(len(table.dynamic.middlewares)),
    }
    return {"http": http, "features": {"accessLog": False}, "providers": ["File"]}
