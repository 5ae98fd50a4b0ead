# SPDX-License-Identifier: Apache-2.0
"""Look at the services of a release: does the path answer, does the deep check pass?"""

from collections.abc import Callable, Iterable

from beast_ops import http
from beast_ops.cards import Service, Services
from beast_ops.errors import ServiceError, UnavailableError

from . import answer
from .deep import CHECKS, NEED_SECRETS, ON_HOST, Sight
from .engine import Probe
from .model import Finding, Status
from .standpoint import Standpoint

Keys = Callable[[Service], str | None]

ABSENT = {"models": "no model server; optional: without it search is lexical and chat is off"}
PATIENCE = 60.0  # the deadline of each check is the engine's; httpx must not be faster


def client(services: Iterable[Service], standpoint: Standpoint | None = None) -> http.AsyncClient:
    """Return one client for all *services*: one pool, and one TLS context if any needs it."""
    addresses = [
        (standpoint.address(service) if standpoint else service.address) or ""
        for service in services
    ]
    secure = any(address.startswith("https:") for address in addresses)
    return http.async_client("https://localhost" if secure else "", seconds=PATIENCE)


def probes(
    services: Services,
    keys: Keys,
    through: http.AsyncClient,
    standpoint: Standpoint,
    *,
    thorough: bool = False,
) -> tuple[Probe, ...]:
    """Return a look at each of *services* that can be seen from *standpoint*.

    Args:
        services: All services of the release.
        keys: Finds the key that opens a service.
        through: The client all looks share.
        standpoint: Where we look from.
        thorough: Whether each must prove what it can do.
    """
    sights = (
        Sight(service, through, keys(service), services, standpoint, thorough)
        for service in services
    )
    return tuple(_probe(sight) for sight in sights if not sight.inside or _shows(sight))


def _shows(sight: Sight) -> bool:
    """Return whether anything can be seen from inside; what cannot is the host's to look at."""
    return _has_path(sight) or _has_depth(sight)


def _has_path(sight: Sight) -> bool:
    return sight.service.health.path is not None and sight.address is not None


def _has_depth(sight: Sight) -> bool:
    """Return whether the deep check can be made: not from inside without the key it needs."""
    deep = sight.service.health.deep
    if deep is None or (sight.inside and deep in ON_HOST):
        return False
    return not sight.inside or deep not in NEED_SECRETS or sight.key is not None


def _probe(sight: Sight) -> Probe:
    service = sight.service

    async def look() -> Finding:
        return await _look(sight)

    return Probe(
        service.name,
        look,
        seconds=service.health.seconds,
        late=Status.DEGRADED if service.optional else Status.UNHEALTHY,
    )


async def _look(sight: Sight) -> Finding:
    service = sight.service
    try:
        found = await _whole(sight)
    except UnavailableError as failed:
        if answer.nobody(failed):
            return _absent(sight)
        found = Finding(Status.UNHEALTHY, failed.paragraph())
    except ServiceError as failed:
        found = Finding(Status.UNHEALTHY, failed.paragraph())
    if service.optional and found.status is Status.UNHEALTHY:
        # What one can do without is at worst a nuisance.
        return Finding(Status.DEGRADED, found.message, found.details)
    return found


def _absent(sight: Sight) -> Finding:
    service = sight.service
    details = {"address": sight.address, "present": False}
    if service.optional:
        note = ABSENT.get(service.health.deep or "", "not there; optional")
        return Finding(Status.HEALTHY, note, details)
    return Finding(Status.UNHEALTHY, f"nobody listens at {sight.address}", details)


async def _whole(sight: Sight) -> Finding:
    health = sight.service.health
    found = Finding(Status.UNKNOWN, "nothing tells whether it is well")
    if health.path is not None and sight.address is not None:
        found = await _path(sight, health.path)
        if found.status is not Status.HEALTHY:
            return found
    if health.deep is None or not _has_depth(sight):
        return found
    check = CHECKS.get(health.deep)
    if check is None:
        return Finding(Status.UNKNOWN, f"there is no deep check called {health.deep}")
    return await check(sight)


async def _path(sight: Sight, path: str) -> Finding:
    expected = sight.service.health.status
    url = f"{sight.address}{path}"
    # What stands before a model server wants to be shown a token; all others answer this openly.
    shown = sight.bearer if sight.service.health.deep == "models" else {}
    status = await answer.status(sight.service.name, url, sight.client, shown)
    if status == expected:
        return Finding(Status.HEALTHY, "answers", {"address": sight.address})
    return Finding(
        Status.UNHEALTHY,
        f"{path} answered {status} instead of {expected}",
        {"address": sight.address, "answered": status},
    )
