# SPDX-License-Identifier: Apache-2.0
"""Look at the services of a release: does the path answer, does the deep check pass?"""

from collections.abc import Callable, Iterable
from pathlib import Path

from beast_ops import http
from beast_ops.cards import Service, Services
from beast_ops.errors import ServiceError, UnavailableError

from . import answer
from .deep import CHECKS, Sight
from .engine import Probe
from .model import Finding, Status

Keys = Callable[[Service], str | None]

ABSENT = {"models": "no model server; optional: without it search is lexical and chat is off"}
PATIENCE = 60.0  # the deadline of each check is the engine's; httpx must not be faster


def client(services: Iterable[Service]) -> http.AsyncClient:
    """Return one client for all *services*: one pool, and one TLS context if any needs it."""
    addresses = [service.address or "" for service in services]
    secure = any(address.startswith("https:") for address in addresses)
    return http.async_client("https://localhost" if secure else "", seconds=PATIENCE)


def probes(services: Services, keys: Keys, through: http.AsyncClient) -> tuple[Probe, ...]:
    """Return a look at each of *services*, with the *keys* that open them."""
    return tuple(
        _probe(Sight(service, through, Path(services.data), keys(service))) for service in services
    )


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
            return _absent(service)
        found = Finding(Status.UNHEALTHY, failed.paragraph())
    except ServiceError as failed:
        found = Finding(Status.UNHEALTHY, failed.paragraph())
    if service.optional and found.status is Status.UNHEALTHY:
        # What one can do without is at worst a nuisance.
        return Finding(Status.DEGRADED, found.message, found.details)
    return found


def _absent(service: Service) -> Finding:
    details = {"address": service.address, "present": False}
    if service.optional:
        note = ABSENT.get(service.health.deep or "", "not there; optional")
        return Finding(Status.HEALTHY, note, details)
    return Finding(Status.UNHEALTHY, f"nobody listens at {service.address}", details)


async def _whole(sight: Sight) -> Finding:
    health = sight.service.health
    found = Finding(Status.UNKNOWN, "nothing tells whether it is well")
    if health.path is not None and sight.service.address is not None:
        found = await _path(sight, health.path)
        if found.status is not Status.HEALTHY:
            return found
    if health.deep is None:
        return found
    check = CHECKS.get(health.deep)
    if check is None:
        return Finding(Status.UNKNOWN, f"there is no deep check called {health.deep}")
    return await check(sight)


async def _path(sight: Sight, path: str) -> Finding:
    expected = sight.service.health.status
    url = f"{sight.service.address}{path}"
    status = await answer.status(sight.service.name, url, sight.client)
    if status == expected:
        return Finding(Status.HEALTHY, "answers", {"address": sight.service.address})
    return Finding(
        Status.UNHEALTHY,
        f"{path} answered {status} instead of {expected}",
        {"address": sight.service.address, "answered": status},
    )
