# SPDX-License-Identifier: Apache-2.0
"""Lead a request to the route that the guard has found already, instead of asking each anew."""

from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from .rules import Ruled

FOUND = "beast.found"


class Straight:
    """Goes where the guard says; all else, such as a method that is refused, is searched for."""

    def __init__(self, searching: ASGIApp) -> None:
        """Leave to *searching* what is not found yet."""
        self._searching = searching

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found: Ruled | None = scope.get(FOUND)
        if found is not None:
            match, more = found.route.matches(scope)
            if match is Match.FULL:
                scope.update(more)
                await found.route.handle(scope, receive, send)
                return
        await self._searching(scope, receive, send)
