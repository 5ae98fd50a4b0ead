# SPDX-License-Identifier: Apache-2.0
"""What stands between a rule and a service: each is built once and asked for each request."""

import asyncio
import base64
import binascii
import hashlib
import ipaddress
import math
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

from . import backend
from .config import seconds
from .passwords import matches, read_users
from .schema import BEYOND, ConfigError
from .wire import PIECE, Body, Headers, Request, Response

Handler = Callable[[Request], Awaitable[Response]]
Maker = Callable[[dict[str, Any], Handler], Handler]

REALM = "traefik"


def plain(status: int, text: str, *more: tuple[str, str]) -> Response:
    """Return a short answer as Go's http.Error gives it."""
    head = [("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")]
    return Response(status, Headers([*head, *more]), f"{text}\n".encode())


def build(name: str, all_of: dict[str, dict[str, Any]], following: Handler) -> Handler:
    """Return the middleware *name* before *following*.

    Raises:
        ConfigError: If it does not exist or cannot be built.
    """
    own, _, provider = name.partition("@")
    if own not in all_of or provider not in {"", "file"}:
        raise ConfigError(f'middleware "{own}@file" does not exist')
    if len(all_of[own]) != 1:
        raise ConfigError(f"cannot create middleware: {own}: one kind is needed")
    ((kind, said),) = all_of[own].items()
    if kind == "chain":
        return chain(said.get("middlewares") or [], all_of, following)
    if kind in BEYOND:
        raise ConfigError(f"{own}: the double does not know what {kind} does")
    return MAKERS[kind](said or {}, following)


def chain(names: list[str], all_of: dict[str, dict[str, Any]], following: Handler) -> Handler:
    """Return several middlewares, the first one outermost."""
    for name in reversed(names):
        following = build(name, all_of, following)
    return following


def basic_auth(said: dict[str, Any], following: Handler) -> Handler:
    """Ask for a name and a password."""
    users = read_users(said.get("usersFile"), said.get("users"))
    if not users:
        raise ConfigError("no users")
    known: set[bytes] = set()  # what was right once: bcrypt takes its time
    challenge = ("WWW-Authenticate", f'Basic realm="{said.get("realm") or REALM}"')

    async def right(user: str, password: str) -> bool:
        secret = users.get(user)
        if secret is None:
            return False
        seen = hashlib.sha256(f"{password}\0{secret}".encode()).digest()
        if seen not in known:
            if not await asyncio.to_thread(matches, password, secret):
                return False
            known.add(seen)
        return True

    async def handle(request: Request) -> Response:
        user, password = credentials(request)
        if not await right(user, password):
            return Response(401, Headers([challenge]), b"401 Unauthorized\n")
        request.user = user
        if said.get("headerField"):
            request.headers.put(said["headerField"], user)
        if said.get("removeHeader"):
            request.headers.drop("Authorization")
        return await following(request)

    return handle


def credentials(request: Request) -> tuple[str, str]:
    """Return name and password that come with *request*, empty without."""
    kind, _, value = request.headers.get("authorization").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if colon else ("", "")


def forward_auth(said: dict[str, Any], following: Handler) -> Handler:
    """Let another service decide."""
    address = urlsplit(str(said.get("address", "")))
    if not address.hostname:
        raise ConfigError("forwardAuth needs an address")

    async def handle(request: Request) -> Response:
        wanted = said.get("authRequestHeaders")
        kept = [f for f in request.headers.fields if not wanted or f[0] in wanted]
        asked = Headers(kept)
        asked.drop("Content-Length", "Transfer-Encoding", "Connection", "Upgrade")
        asked.put("X-Forwarded-Method", request.method)
        asked.put("X-Forwarded-Uri", request.target)
        asked.put("X-Forwarded-Host", request.headers.get("host"))
        asked.put("Host", address.netloc)
        target = f"{address.path or '/'}{f'?{address.query}' if address.query else ''}"
        asking = Request("GET", target, asked, Body(request.body.reader))
        answer = await backend.ask(address, asking)
        if answer.status in {502, 504} and answer.body is None:  # nobody was there to ask
            return Response(500)
        if not 200 <= answer.status < 300:
            if answer.headers.get("location"):  # a relative one leads to who was asked
                there = urljoin(address.geturl(), answer.headers.get("location"))
                answer.headers.put("Location", there)
            return answer
        if answer.body is not None:
            await answer.body.whole()
        for name in said.get("authResponseHeaders") or ():
            request.headers.drop(name)
            request.headers.fields += [(name, value) for value in answer.headers.all(name)]
        return await following(request)

    return handle


def rate_limit(said: dict[str, Any], following: Handler) -> Handler:
    """Let so many requests pass per source and period, and some more at once."""
    average = int(said.get("average") or 0)
    burst = max(1, int(said.get("burst") or 1))
    rate = average / seconds(said.get("period") or 1)
    longest = 0.5 if rate < 1 else 0.5 / rate
    criterion = said.get("sourceCriterion") or {}
    buckets: dict[str, tuple[float, float]] = {}

    async def handle(request: Request) -> Response:
        if not average:
            return await following(request)
        source = _source(request, criterion)
        now = time.monotonic()
        tokens, before = buckets.get(source, (float(burst), now))
        tokens = min(float(burst), tokens + (now - before) * rate) - 1
        wait = max(0.0, -tokens / rate)
        if wait > longest:
            buckets[source] = (tokens + 1, now)
            head = [("Retry-After", f"{math.ceil(wait):d}"), ("X-Retry-In", f"{wait * 1000:.6f}ms")]
            return Response(429, Headers(head), b"Too Many Requests")
        buckets[source] = (tokens, now)
        await asyncio.sleep(wait)
        return await following(request)

    return handle


def _source(request: Request, criterion: dict[str, Any]) -> str:
    if criterion.get("requestHost"):
        return request.host
    if criterion.get("requestHeaderName"):
        return request.headers.get(criterion["requestHeaderName"])
    depth = int((criterion.get("ipStrategy") or {}).get("depth") or 0)
    if not depth:
        return request.peer
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for").split(",")]
    return hops[-depth] if depth <= len(hops) else ""


def headers(said: dict[str, Any], following: Handler) -> Handler:
    """Add what browsers shall heed, and change what is asked for."""
    fixed = {
        "X-Content-Type-Options": "nosniff" if said.get("contentTypeNosniff") else "",
        "X-Frame-Options": said.get("customFrameOptionsValue")
        or ("DENY" if said.get("frameDeny") else ""),
        "X-XSS-Protection": "1; mode=block" if said.get("browserXssFilter") else "",
        "Content-Security-Policy": said.get("contentSecurityPolicy"),
        "Referrer-Policy": said.get("referrerPolicy"),
        "Permissions-Policy": said.get("permissionsPolicy"),
    }
    strict = f"max-age={said.get('stsSeconds')}"
    strict += "; includeSubDomains" if said.get("stsIncludeSubdomains") else ""
    strict += "; preload" if said.get("stsPreload") else ""

    async def handle(request: Request) -> Response:
        _change(request.headers, said.get("customRequestHeaders"))
        response = await following(request)
        for name, value in fixed.items():
            if value:
                response.headers.put(name, str(value))
        if said.get("stsSeconds") and (request.secure or said.get("forceSTSHeader")):
            response.headers.put("Strict-Transport-Security", strict)
        _change(response.headers, said.get("customResponseHeaders"))
        return response

    return handle


def _change(of: Headers, wanted: dict[str, str] | None) -> None:
    for name, value in (wanted or {}).items():
        of.drop(name)
        if value:
            of.put(name, str(value))


def redirect_scheme(said: dict[str, Any], following: Handler) -> Handler:
    """Lead to the same place by another scheme."""
    scheme, port = str(said.get("scheme") or ""), str(said.get("port") or "")
    if not scheme:
        raise ConfigError("you must provide a target scheme")

    async def handle(request: Request) -> Response:
        if request.secure and scheme == "https":
            return await following(request)
        usual = {"http": "80", "https": "443"}.get(scheme)
        host = f"[{request.host}]" if ":" in request.host else request.host
        place = host if port in {"", usual} else f"{host}:{port}"
        return _redirect(request, f"{scheme}://{place}{request.target}", said)

    return handle


def redirect_regex(said: dict[str, Any], following: Handler) -> Handler:
    """Lead to where an expression says."""
    wanted = re.compile(str(said["regex"]))
    replacement = re.sub(r"\$\{?(\d+)\}?", r"\\\1", str(said["replacement"]))

    async def handle(request: Request) -> Response:
        scheme = "https" if request.secure else "http"
        url = f"{scheme}://{request.headers.get('host')}{request.target}"
        target = wanted.sub(replacement, url)
        return await following(request) if target == url else _redirect(request, target, said)

    return handle


def _redirect(request: Request, target: str, said: dict[str, Any]) -> Response:
    permanent, simple = bool(said.get("permanent")), request.method == "GET"
    status = {(True, True): 301, (True, False): 308, (False, True): 302, (False, False): 307}
    found = status[permanent, simple]
    text = {301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect"}.get(found)
    return Response(found, Headers([("Location", target)]), (text or "Permanent Redirect").encode())


def allow_list(said: dict[str, Any], following: Handler) -> Handler:
    """Let in only who comes from some networks."""
    ranges = [ipaddress.ip_network(each, strict=False) for each in said.get("sourceRange") or ()]
    if not ranges:
        raise ConfigError("sourceRange is empty, IPAllowLister not created")

    async def handle(request: Request) -> Response:
        source = _source(request, {"ipStrategy": said.get("ipStrategy")})
        if any(ipaddress.ip_address(source) in each for each in ranges):
            return await following(request)
        return Response(int(said.get("rejectStatusCode") or 403), content=b"Forbidden")

    return handle


def strip_prefix(said: dict[str, Any], following: Handler) -> Handler:
    """Take the beginning off the path."""

    async def handle(request: Request) -> Response:
        for prefix in said.get("prefixes") or ():
            if request.path.startswith(prefix):
                request.headers.put("X-Forwarded-Prefix", prefix)
                request.target = "/" + request.target[len(prefix) :].lstrip("/")
                break
        return await following(request)

    return handle


def add_prefix(said: dict[str, Any], following: Handler) -> Handler:
    """Put something before the path."""
    prefix = str(said.get("prefix") or "")
    if not prefix:
        raise ConfigError("prefix cannot be empty")

    async def handle(request: Request) -> Response:
        request.target = f"{prefix.rstrip('/')}{request.target}"
        return await following(request)

    return handle


def buffering(said: dict[str, Any], following: Handler) -> Handler:
    """Hold the whole request back, then the whole answer; refuse what is too big."""
    most = int(said.get("maxRequestBodyBytes") or 0)
    most_back = int(said.get("maxResponseBodyBytes") or 0)

    async def handle(request: Request) -> Response:
        length = request.body.length
        if most and length is not None and length > most:
            return plain(413, "Request Entity Too Large")
        with tempfile.TemporaryFile() as held:
            size = await _hold(request.body, held, most)
            if most and size > most:
                return plain(413, "Request Entity Too Large")
            request.body = _Held(request.body.reader, size, held)
            response = await following(request)
            if response.body is not None:
                response.content, response.body = await response.body.whole(), None
        if most_back and len(response.content) > most_back:
            return plain(500, "Internal Server Error")
        return response

    return handle


class _Held(Body):
    """A body that was written to a file."""

    def __init__(self, reader: asyncio.StreamReader, size: int, held: Any) -> None:
        super().__init__(reader, size)
        self._held = held

    async def _plain(self) -> AsyncIterator[bytes]:
        self._held.seek(0)
        while piece := self._held.read(PIECE):
            yield piece


async def _hold(body: Body, into: Any, most: int) -> int:
    size = 0
    async for piece in body.pieces():
        size += len(piece)
        if most and size > most:
            break
        into.write(piece)
    return size


MAKERS: dict[str, Maker] = {
    "addPrefix": add_prefix,
    "basicAuth": basic_auth,
    "buffering": buffering,
    "forwardAuth": forward_auth,
    "headers": headers,
    "ipAllowList": allow_list,
    "rateLimit": rate_limit,
    "redirectRegex": redirect_regex,
    "redirectScheme": redirect_scheme,
    "stripPrefix": strip_prefix,
}
