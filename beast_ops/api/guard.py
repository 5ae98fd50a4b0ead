# SPDX-License-Identifier: Apache-2.0
"""Stand before every route: host, token, size, headers; closed unless named open.

Plain ASGI: a wrapper that builds request objects would cost more than the routes it protects.
"""

import hmac
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beast_ops.errors import SettingsError

from .metrics import Requests
from .problems import refusal, unforeseen
from .settings import Settings

LOG = logging.getLogger("beast.api")
LIVE = "/health/live"
MANUAL = frozenset({"/docs", "/redoc"})
OPEN = frozenset({LIVE, "/health/ready", "/openapi.json", "/ca.crt", *MANUAL})
METRICS = "/metrics"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_BYTES = 1 << 20
MANIFEST_BYTES = 64 << 20  # a hundred thousand documents with long paths

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/@\s]+))(?::\d{1,5})?")
_MANUAL = [  # the manual's pages bring a content policy of their own
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_CLOSED = [*_MANUAL, _POLICY]


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The two secrets of the API; never shown."""

    all: bytes
    metrics: bytes


class Guard:
    """Refuse what must not reach the routes, and dress every answer."""

    def __init__(
        self, app: ASGIApp, tokens: Tokens, settings: Callable[[], Settings], requests: Requests
    ) -> None:
        """Protect *app* as the current *settings* say, counting in *requests*."""
        self._app, self._tokens, self._settings, self._requests = app, tokens, settings, requests

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
            if not _known(_host(scope), self._now().allowed_hosts):
                raise _stranger()
        except HTTPException as refused:
            await _answer(refused)(scope, receive, dressed)
        else:
            await self._app(scope, receive, dressed)

    async def _any(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = 0
        extra = _MANUAL if scope["path"] in MANUAL else _CLOSED

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = message["headers"] + extra
            await send(message)

        try:
            limit = self._admit(scope)
            inward = receive if limit is None else _limited(receive, limit)
            await self._app(scope, inward, dressed)
        except HTTPException as refused:
            await _answer(refused)(scope, receive, dressed)
        except Exception as failure:  # noqa: BLE001 - the last door: nothing gets past it unlogged
            if not status:  # else the routes have answered and logged it already
                await (await unforeseen(Request(scope), failure))(scope, receive, dressed)
        finally:
            self._requests.count(scope, status, time.perf_counter() - begun)

    def _admit(self, scope: Scope) -> int | None:
        """Return how many bytes of body may follow, `None` if there can be none.

        Raises:
            HTTPException: If the request is refused.
        """
        settings = self._now()
        if not _known(_host(scope), settings.allowed_hosts):
            raise _stranger()
        headers = dict(scope["headers"])
        path = scope["path"]
        if path not in OPEN:
            self._judge(path, headers.get(b"authorization", b""))
        if scope["method"] in {"GET", "HEAD"}:
            return None
        return _size(scope, headers, settings)

    def _now(self) -> Settings:
        try:
            return self._settings()
        except SettingsError as wrong:
            LOG.error("%s", wrong.paragraph())  # noqa: TRY400 - whoever wrote them knows enough
            raise HTTPException(503, "the settings of this server cannot be read") from wrong

    def _judge(self, path: str, header: bytes) -> None:
        scheme, _, given = header.partition(b" ")
        token = given.strip() if scheme.lower() == b"bearer" else b""
        # Both are compared always: the time must not tell which of them was nearly right.
        is_all = hmac.compare_digest(token, self._tokens.all)
        is_metrics = hmac.compare_digest(token, self._tokens.metrics)
        if is_metrics if path == METRICS else is_all:
            return
        if is_all or is_metrics:
            raise HTTPException(403, "this token is not for this route")
        raise HTTPException(401, "a valid token is missing", headers={"www-authenticate": "Bearer"})


def _host(scope: Scope) -> bytes:
    """Return the Host header; nothing if there is none, or more than one."""
    found = [value for name, value in scope["headers"] if name == b"host"]
    return found[0] if len(found) == 1 else b""


def _stranger() -> HTTPException:
    return HTTPException(403, "this name is not one of this server's; see allowed_hosts")


def _answer(refused: HTTPException) -> Response:
    return refusal(refused.status_code, str(refused.detail), headers=refused.headers)


def _size(scope: Scope, headers: dict[bytes, bytes], settings: Settings) -> int:
    limit = _limit(scope["method"], scope["path"], settings.upload_bytes)
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit():
        raise HTTPException(400, "the content length is not a number")
    if int(announced) > limit:
        raise _too_large(limit)
    if scope["method"] == "POST" and (announced != b"0" or b"transfer-encoding" in headers):
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
def _known(header: bytes, allowed: tuple[str, ...]) -> bool:
    """Return whether the Host *header* names this server, on any port.

    A page of a stranger whose name was rebound to our address sends the stranger's name.
    """
    match = _HOST.fullmatch(header.decode("latin-1").lower())
    if match is None:
        return False
    name = (match[1] or match[2]).rstrip(".")
    return name in LOOPBACK or name in {each.lower() for each in allowed}
