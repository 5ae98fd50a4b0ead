# SPDX-License-Identifier: Apache-2.0
"""What the front door asks before it lets somebody through to a service without a login.

Traefik sends the headers of the request it holds, and what it is for in X-Forwarded-*. It lets
pass what is answered with 200, and hands on the headers named in its `authResponseHeaders` as
they are here: those that are not here are gone. So our cookie and our tokens end at the door,
and nobody can write X-Beast-User himself. Everything else is answered to the browser.
"""

import posixpath
from urllib.parse import quote, unquote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route as WebRoute

from beast_ops.access.model import Principal, Scope
from beast_ops.card_parts import Route

from .gate import Gate, same_origin, without_ours
from .guard import VERIFY
from .names import Named
from .rules import OPEN, SAFE, needs

PREFIX = "/.beast"  # below it the front door leads to us, under every name that we guard
LOGIN = f"{PREFIX}/login"


def verify_route(gate: Gate, named: Named) -> WebRoute:
    """Return the route that the front door asks; *named* knows what it guards."""

    @needs(OPEN, limit="")
    async def verify(request: Request) -> Response:
        headers = request.headers
        if not request.state.client.through:
            raise HTTPException(404, "only the front door asks this")
        route = named.guests.get(_name(headers.get("x-forwarded-host", "")))
        if route is None:
            raise HTTPException(403, "no route of this name is guarded here")
        principal: Principal | None = request.state.principal
        method = headers.get("x-forwarded-method", "GET").upper()
        path = headers.get("x-forwarded-uri", "/")
        if principal is None:
            return _to_login(request, method, path)
        _judge(request, principal, needed(route, method, path))
        _note(gate, request, principal, (method, path, needed(route, method, path)))
        passed = {"x-beast-user": principal.name, "x-beast-scope": principal.scope.word}
        if cookies := without_ours(headers.get("cookie", "")):
            passed["cookie"] = cookies
        return Response(headers=passed)

    return WebRoute(VERIFY, verify)


def needed(route: Route, method: str, path: str) -> Scope:
    """Return what somebody must be allowed for *method* on *path* behind *route*."""
    if method in SAFE:
        return Scope.READ
    plain = unquote(unquote(urlsplit(f"//x{path}").path))
    plain = posixpath.normpath("/" + plain.replace("\\", "/").lstrip("/")).lower()
    for each in route.admin:
        if plain == each.rstrip("/") or plain.startswith(f"{each.rstrip('/')}/"):
            return Scope.ADMIN
    return Scope.WRITE


def _judge(request: Request, principal: Principal, scope: Scope) -> None:
    """Refuse who may not, and what a page of another site asked for.

    Raises:
        HTTPException: Then.
    """
    headers = request.headers
    if principal.scope < scope:
        raise HTTPException(403, f"this needs the scope {scope.word}")
    if principal.kind != "session" or (scope is Scope.READ and "upgrade" not in headers):
        return
    host = headers.get("x-forwarded-host", "").encode("latin-1")
    if not same_origin(dict(request.scope["headers"]), host, secure=request.state.client.secure):
        raise HTTPException(403, "a page of another site asked for this")


def _to_login(request: Request, method: str, path: str) -> Response:
    """Return where a browser logs in; raises `HTTPException` for all others."""
    headers = request.headers
    if (
        method != "GET"
        or "authorization" in headers
        or "text/html" not in headers.get("accept", "")
    ):
        challenge = {"www-authenticate": "Bearer"}
        raise HTTPException(401, "a valid token is missing", headers=challenge)
    scheme = "https" if request.state.client.secure else "http"
    place = f"{scheme}://{headers['x-forwarded-host']}{LOGIN}"  # whole: Traefik would add our name
    return RedirectResponse(f"{place}?to={quote(path, safe='')}", 303)


def _note(gate: Gate, request: Request, principal: Principal, what: tuple[str, str, Scope]) -> None:
    method, path, scope = what
    if scope is Scope.ADMIN and gate.changes is not None:
        place = f"{request.headers['x-forwarded-host']}{urlsplit(path).path}"
        gate.changes.note(principal.name, request.state.client.address, method, place, 200)


def _name(host: str) -> str:
    return host.lower().partition(":")[0].rstrip(".")
