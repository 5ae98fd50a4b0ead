# SPDX-License-Identifier: Apache-2.0
"""Knock at every door without a password, and expect to be refused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from beast_ops.card_parts import Publish, Route
from beast_ops.cards import Service, Services
from beast_ops.entrance import Answer, Entrance, entrance, way
from beast_ops.errors import UnavailableError

from .finding import Finding, Weight

REFUSED = frozenset({401, 403})
AWAY = frozenset({301, 302, 303, 307, 308})
STRANGER = "nobody:nothing"
CLOSE = "Close it before anything else; see the service's documentation."


@dataclass(frozen=True, slots=True)
class _Knock:
    """One request that must be refused, and how it is told about."""

    what: str
    ask: Callable[[], Awaitable[Answer]]
    welcome: frozenset[int] = REFUSED


async def refusals(services: Services, secrets: Path) -> list[Finding]:
    """Return what answers though it should refuse, and what could not be asked.

    Args:
        services: What is in force.
        secrets: Where the root of the local authority lies, if there is one.
    """
    knocks = [knock async for knock in _knocks(services, secrets)]
    found = await asyncio.gather(*(_knock(each) for each in knocks))
    return [each for each in found if each is not None] + _unproven(services)


async def _knock(knock: _Knock) -> Finding | None:
    try:
        answer = await knock.ask()
    except UnavailableError as failed:
        return Finding("login-unasked", Weight.WARNING, str(failed), "Run: ./beast health")
    if answer.status in knock.welcome:
        return None
    if answer.status >= 404:  # noqa: PLR2004 - not a refusal, and not let in either
        said = f"{knock.what} answers {answer.status}, which proves no login"
        return Finding("login-unproven", Weight.WARNING, said, "Run: ./beast health")
    said = f"{knock.what} answers {answer.status} to who has no password"
    return Finding("login-missing", Weight.FAILURE, said, CLOSE)


async def _knocks(services: Services, secrets: Path) -> AsyncIterator[_Knock]:
    front = entrance(services, secrets)
    for service in services:
        for each in _direct(service):
            yield each
        if front is not None and service.route is not None and services.domain is not None:
            host = f"{service.route.host}.{services.domain}"
            for each in _through(front, service.route, host, way(services, service.route)):
                yield each


def _through(front: Entrance, route: Route, host: str, way: str) -> list[_Knock]:
    """Return the requests for *host* at the front door."""

    def ask(path: str, **more: str | bool) -> Callable[[], Awaitable[Answer]]:
        return lambda: front.ask(host, path, **more)  # type: ignore[arg-type] # both are of ask

    private = route.private if way == "own" else route.paths
    found = [_Knock(f"https://{host}{path}", ask(path)) for path in private]
    if way != "own":
        wrong = ask(route.paths[0], login=STRANGER)
        found.append(_Knock(f"https://{host} with a wrong password", wrong))
    if front.secure is not None:
        plain = ask(route.paths[0], tls=False)
        found.append(_Knock(f"http://{host}", plain, REFUSED | AWAY))
    return found


def _direct(service: Service) -> list[_Knock]:
    """Return the requests for *service* at its own port on loopback."""
    if service.external or service.address is None or urlsplit(service.address).scheme != "http":
        return []
    parts = urlsplit(service.address)
    publish = Publish(address=str(parts.hostname), port=parts.port or 80, target=parts.port or 80)
    here = Entrance(service, publish.address, publish.port, secure=None, roots=None)
    paths = list(service.route.private) if service.route is not None else []
    if service.metrics is not None and service.metrics.key is not None:
        paths.append(service.metrics.path)

    def ask(path: str) -> Callable[[], Awaitable[Answer]]:
        return lambda: here.ask(parts.netloc, path)

    return [_Knock(f"{service.address}{path}", ask(path)) for path in dict.fromkeys(paths)]


def _unproven(services: Services) -> list[Finding]:
    return [
        Finding(
            "login-undeclared",
            Weight.WARNING,
            f"{service.name} has a login of its own and names no path that proves it",
            "Name one as `private` in the route of its card.",
        )
        for service in services
        if service.route is not None and service.route.auth == "own" and not service.route.private
    ]
