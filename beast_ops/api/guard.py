# SPDX-License-Identifier: Apache-2.0
"""Stand before every route: host, token, size, headers; closed unless named open.

Plain ASGI: a wrapper that builds request objects would cost more than the routes it protects.
"""

import logging
import re
import time
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beast_ops.counting import Counting
from beast_ops.errors import SettingsError

from .asked import CLOSED, Asked, dressed, turned_away
from .bodies import limited, size
from .clients import Clients
from .gate import Gate, locked, same_origin
from .limiter import Limiter
from .metrics import Requests
from .names import Named
from .problems import ID, unforeseen
from .repeats import may_repeat
from .replies import Replies
from .routes_health import LIVE as ALIVE
from .rules import NOWHERE, OPEN, SAFE, Rules
from .settings import Settings
from .straight import FOUND

LOG = logging.getLogger("beast.api")
REFUSED = 400
LIVE = "/health/live"
VERIFY = "/auth/verify"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ALIVE = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(ALIVE)).encode()),
    *CLOSED,
]
_LIFE = {"type": "http.response.body", "body": ALIVE}
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/@\s]+))(?::\d{1,5})?")


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
        self._clients = Clients(lambda: named().access.trusted_proxies, lambda: named.doors)
        self.limiter, self._replies = Limiter(Counting()), Replies(requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == LIVE:
            await self._live(scope, receive, send)
        else:
            await self._any(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is asked all the time: here, neither counted nor timed."""

        async def outward(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = message["headers"] + CLOSED
            await send(message)

        try:
            if _known(_host(scope), self._now().allowed_hosts) is None:
                raise _stranger()
        except HTTPException as refused:
            await turned_away(refused, None)(scope, receive, outward)
        else:
            if scope["method"] == "GET":
                await send({"type": "http.response.start", "status": 200, "headers": _ALIVE})
                await send(_LIFE)
            else:
                await self._app(scope, receive, outward)

    async def _any(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = 0
        asked: Asked | None = None

        async def outward(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= REFUSED and (number := dict(message["headers"]).get(ID)):
                    where = (number.decode(), scope["method"], scope["path"], status)
                    LOG.info("%s: %s %r %d", *where)
                message["headers"] = dressed(message["headers"], asked)
            await send(message)

        try:
            asked = await self._understand(scope)
            self._admit(asked, _host(scope))
            await self._pass(asked, scope, receive, outward)
        except HTTPException as refused:
            await turned_away(refused, asked)(scope, receive, outward)
        except Exception as failure:  # noqa: BLE001 - the last door: nothing gets past it unlogged
            if not status:  # else the routes have answered and logged it already
                await (await unforeseen(Request(scope), failure))(scope, receive, outward)
        finally:
            self._requests.count(scope, status, time.perf_counter() - begun)
            if asked is not None:
                self._note(asked, status)

    async def _pass(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what was let pass, or answer as a moment ago."""
        scope.setdefault("state", {}).update(principal=asked.principal, client=asked.client)
        if asked.method in SAFE:
            if asked.rule.cache and asked.method == "GET":
                scope["route"] = scope[FOUND]  # for the figures
                await self._replies.answer(self._app, asked, scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        inward = limited(receive, size(asked))
        repeats = self.gate.repeats
        try:
            if repeats is not None and may_repeat(asked):
                await repeats.answer(self._app, asked, scope, inward, send)
            else:
                await self._app(scope, inward, send)
        finally:
            if asked.rule.noted:
                self._replies.forget()

    async def _understand(self, scope: Scope) -> Asked:
        """Return what *scope* asks for, and who asks.

        Raises:
            HTTPException: If it is asked under a name that is not ours.
        """
        settings = self._now()
        headers = dict(scope["headers"])
        method, path = scope["method"], scope["path"]
        client = await self._clients.who(scope, headers)
        found = scope[FOUND] = self.rules.find(method, path)
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
        verdict = await self.limiter.take(rule, principal, client, settings.limits)
        return Asked(method, path, headers, client, rule, principal, settings, verdict)

    def _admit(self, asked: Asked, host: bytes) -> None:
        """Let pass who may.

        Raises:
            HTTPException: If the request is refused.
        """
        principal, rule = asked.principal, asked.rule
        if asked.verdict is not None and not asked.verdict.allowed:
            again = {"retry-after": str(asked.verdict.seconds)}
            raise HTTPException(429, "too many requests of this kind", headers=again)
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

    def _note(self, asked: Asked, status: int) -> None:
        rule, changes = asked.rule, self.gate.changes
        if asked.method in SAFE or asked.principal is None or changes is None:
            return
        if rule.noted and rule.scope is not OPEN:
            changes.note(asked.who, asked.client.address, asked.method, asked.path, status)

    def _now(self) -> Settings:
        try:
            return self._named()
        except SettingsError as wrong:
            LOG.error("%s", wrong.paragraph())  # noqa: TRY400 - whoever wrote them knows enough
            raise HTTPException(503, "the settings of this server cannot be read") from wrong


def _host(scope: Scope) -> bytes:
    """Return the Host header; nothing if there is none, or more than one."""
    found = [value for name, value in scope["headers"] if name == b"host"]
    return found[0] if len(found) == 1 else b""


def _stranger() -> HTTPException:
    return HTTPException(403, "this name is not one of this server's; see allowed_hosts")


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
