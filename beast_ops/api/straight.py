# SPDX-License-Identifier: Apache-2.0
"""Lead a request to the route that the guard has found already, instead of asking each anew."""

from collections.abc import Iterable

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from .quick import quick
from .rules import Ruled

FOUND = "beast.found"
_GET = frozenset({"GET"})


class Straight:
    """Goes where the guard says; all else, such as a method that is refused, is searched for."""

    def __init__(self, searching: ASGIApp, routes: Iterable[BaseRoute] = ()) -> None:
        """Leave to *searching* what is not found yet; of *routes*, the simple are answered here."""
        self._searching = searching
        found = ((str(getattr(route, "path", "")), quick(route)) for route in routes)
        self._quick = {path: answer for path, answer in found if answer is not None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found: Ruled | None = scope.get(FOUND)
        if found is not None:
            answer = self._quick.get(found.path) if scope["method"] == "GET" else None
            if answer is not None and found.methods == _GET:
                scope.update(endpoint=found.route.endpoint, route=found.route, path_params={})  # type: ignore[attr-defined] # one with an endpoint
                await answer(scope, receive, send)
                return
            match, more = found.route.matches(scope)
            if match is Match.FULL:
                scope.update(more)
                await found.route.handle(scope, receive, send)
                return
        await self._searching(scope, receive, send)
