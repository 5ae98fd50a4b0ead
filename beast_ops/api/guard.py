# SPDX-License-Identifier: Apache-2.0
"""Stand before every route: host, token, size, headers; closed unless named open.

Plain ASGI: a wrapper that builds request objects would cost more than the routes it protects.
"""

import logging
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beast_ops.access.model import Principal
from beast_ops.errors import SettingsError

from .clients import Client, Clients
from .gate import Gate, Headers, locked, same_origin
from .metrics import Requests
from .names import Named
from .problems import refusal, unforeseen
from .rules import NOWHERE, OPEN, SAFE, Rule, Rules
from .settings import Settings

LOG = logging.getLogger("beast.api")
LIVE = "/health/live"
LOGIN = "/login"
VERIFY = "/auth/verify"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_BYTES = 1 << 20
MANIFEST_BYTES = 64 << 20  # a hundred thousand documents with long paths

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/@\s]+))(?::\d{1,5})?")
_CLOSED = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_STRICT = (b"strict-transport-security", b"max-age=31536000")


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, as far as the guard understands it."""

    method: str
    path: str
    headers: Headers
    client: Client
    rule: Rule
    principal: Principal | None
    settings: Settings


class Guard:
    """Refuse what must not reach the routes, and dress every answer."""

    def __init__(
        self, app: ASGIApp, gate: Gate, rules: Rules, named: Named, requests: Requests
    ) -> None:
        """Protect *app*, whose routes have *rules*, counting in *requests*.

        Args:
            app: What answers.
            gate: Knows who asks.
            rules: Know who may.
            named: The settings in force.
            requests: Where requests are counted.
        """
        self.gate, self.rules = gate, rules
        self._app, self._named, self._requests = app, named, requests
        self._clients = Clients(named, lambda: named.doors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == LIVE:
            await self._live(scope, receive, send)
        else:
            await self._any(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is asked all the time: neither counted nor timed, with no body to limit."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = message["headers"] + _CLOSED
            await send(message)

        try:
            if _known(_host(scope), self._now().allowed_hosts) is None:
                raise _stranger()
        except HTTPException as refused:
            await _answer(refused)(scope, receive, dressed)
        else:
            await self._app(scope, receive, dressed)

    async def _any(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = 0
        asked: _Asked | None = None

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _dressed(message["headers"], asked)
            await send(message)

        try:
            asked = await self._understand(scope)
            self._admit(asked, _host(scope))
            scope.setdefault("state", {}).update(principal=asked.principal, client=asked.client)
            limit = None if asked.method in SAFE else _size(asked)
            inward = receive if limit is None else _limited(receive, limit)
            await self._app(scope, inward, dressed)
        except HTTPException as refused:
            await _turned_away(refused, asked)(scope, receive, dressed)
        except Exception as failure:  # noqa: BLE001 - the last door: nothing gets past it unlogged
            if not status:  # else the routes have answered and logged it already
                await (await unforeseen(Request(scope), failure))(scope, receive, dressed)
        finally:
            self._requests.count(scope, status, time.perf_counter() - begun)
            if asked is not None:
                self._note(asked, status)

    async def _understand(self, scope: Scope) -> _Asked:
        """Return what *scope* asks for, and who asks.

        Raises:
            HTTPException: If it is asked under a name that is not ours.
        """
        settings = self._now()
        headers = dict(scope["headers"])
        method, path = scope["method"], scope["path"]
        client = await self._clients.who(scope, headers)
        found = self.rules.find(method, path)
        rule = found.rule if found else NOWHERE
        name = _known(_host(scope), settings.allowed_hosts)
        if name is None:
            name = _known(_host(scope), tuple(self._named.guests))
            if name is None or not rule.guests:
                raise _stranger()
        if path == VERIFY and client.through:  # the front door asks on behalf of another name
            host = headers.get(b"x-forwarded-host", b"")
            name = _known(host, tuple(self._named.guests)) or ""
        principal = self.gate.recognise(headers, client, name)
        return _Asked(method, path, headers, client, rule, principal, settings)

    def _admit(self, asked: _Asked, host: bytes) -> None:
        """Let pass who may.

        Raises:
            HTTPException: If the request is refused.
        """
        principal, rule = asked.principal, asked.rule
        if principal is None and b"authorization" in asked.headers:
            wait = self.gate.wait(asked.client, asked.settings, noted=1)
            if wait:
                raise locked(wait)
        if not rule.admits(principal):
            if principal is not None:
                raise HTTPException(403, "this token is not for this route")
            challenge = {"www-authenticate": "Bearer"}
            raise HTTPException(401, "a valid token is missing", headers=challenge)
        if (
            asked.method not in SAFE
            and principal is not None
            and principal.kind == "session"
            and not same_origin(asked.headers, host, secure=asked.client.secure)
        ):
            raise HTTPException(403, "a page of another site asked for this")

    def _note(self, asked: _Asked, status: int) -> None:
        rule, principal = asked.rule, asked.principal
        if asked.method in SAFE or principal is None or self.gate.changes is None:
            return
        if rule.noted and rule.scope is not OPEN:
            who = principal.name if principal.kind != "session" else f"{principal.name} (browser)"
            self.gate.changes.note(who, asked.client.address, asked.method, asked.path, status)

    def _now(self) -> Settings:
        try:
            return self._named()
        except SettingsError as wrong:
            LOG.error("%s", wrong.paragraph())  # noqa: TRY400 - whoever wrote them knows enough
            raise HTTPException(503, "the settings of this server cannot be read") from wrong


def _dressed(headers: list[tuple[bytes, bytes]], asked: _Asked | None) -> list[tuple[bytes, bytes]]:
    """Return *headers* with what keeps browsers from doing harm, unless a page says it itself."""
    there = {name for name, _ in headers}
    more = [pair for pair in _CLOSED if pair[0] not in there]
    if asked is not None and asked.client.secure:
        more.append(_STRICT)
    return headers + more


def _turned_away(refused: HTTPException, asked: _Asked | None) -> Response:
    """Return the answer to who may not pass: people are led to where they log in."""
    if (
        refused.status_code == 401  # noqa: PLR2004 - HTTP's own number
        and asked is not None
        and asked.method == "GET"
        and b"authorization" not in asked.headers
        and b"text/html" in asked.headers.get(b"accept", b"")
    ):
        return RedirectResponse(f"{LOGIN}?to={quote(asked.path, safe='')}", 303)
    return _answer(refused)


def _host(scope: Scope) -> bytes:
    """Return the Host header; nothing if there is none, or more than one."""
    found = [value for name, value in scope["headers"] if name == b"host"]
    return found[0] if len(found) == 1 else b""


def _stranger() -> HTTPException:
    return HTTPException(403, "this name is not one of this server's; see allowed_hosts")


def _answer(refused: HTTPException) -> Response:
    return refusal(refused.status_code, str(refused.detail), headers=refused.headers)


def _size(asked: _Asked) -> int:
    """Return how many bytes of body may follow.

    Raises:
        HTTPException: If more are announced, or others than JSON.
    """
    headers = asked.headers
    limit = _limit(asked.method, asked.path, asked.settings.upload_bytes)
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit():
        raise HTTPException(400, "the content length is not a number")
    if int(announced) > limit:
        raise _too_large(limit)
    if asked.method == "POST" and (announced != b"0" or b"transfer-encoding" in headers):
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind != b"application/json":
            raise HTTPException(415, "the body is not declared as JSON")
    return limit


def _limit(method: str, path: str, upload_bytes: int) -> int:
    if method == "PUT":
        return upload_bytes
    return MANIFEST_BYTES if path == "/ingest" else BODY_BYTES


def _too_large(limit: int) -> HTTPException:
    # The rest of the body is not read, so the connection cannot be used again.
    return HTTPException(
        413, f"the body has more than {limit} bytes", headers={"connection": "close"}
    )


def _limited(receive: Receive, limit: int) -> Receive:
    """Return *receive* that raises once more than *limit* bytes came through."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counted


@lru_cache(maxsize=256)
def _known(header: bytes, allowed: tuple[str, ...]) -> str | None:
    """Return which name of this server the Host *header* says, on any port; `None` if none.

    A page of a stranger whose name was rebound to our address sends the stranger's name.
    """
    match = _HOST.fullmatch(header.decode("latin-1").lower())
    if match is None:
        return None
    name = (match[1] or match[2]).rstrip(".")
    ours = name in LOOPBACK or name in {each.lower() for each in allowed}
    return name if ours else None
