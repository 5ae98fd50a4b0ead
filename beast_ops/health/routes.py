# SPDX-License-Identifier: Apache-2.0
"""Whether the front door leads where it should, and asks for a password where it must."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from beast_ops.card_parts import Route
from beast_ops.cards import Service, Services
from beast_ops.clock import SYSTEM
from beast_ops.entrance import Answer, Entrance, entrance, login, token, way
from beast_ops.errors import UnavailableError

from .model import Finding, Status, overall

if TYPE_CHECKING:
    from .deep import Sight

UNAUTHORIZED, FIRST_WRONG = 401, 400
LOGINS = frozenset({UNAUTHORIZED, 403})
PASSING = frozenset({404, 429, 502, 503, 504})  # may be otherwise a moment later
FORWARDING = PASSING | {500}  # what Traefik says when the API it asks is not there
SOON = timedelta(days=14)
# A front door takes new routes by itself, a moment after they were written.
SETTLE_SECONDS, AGAIN_SECONDS = 5.0, 0.5


@dataclass(frozen=True, slots=True)
class _Visited:
    """What one route came to; `again` says that a moment later it may be better."""

    status: Status
    message: str = ""
    again: bool = False
    ends: datetime | None = None  # of the certificate that was shown


async def routes(sight: "Sight") -> Finding:
    """Return whether every route leads to its service, and lets nobody in who may not."""
    front = entrance(sight.services, sight.secrets)
    if front is None or sight.services.domain is None:
        return Finding(Status.UNKNOWN, "there is no front door")
    visits = _visits(front, sight.services)
    words = {
        "basic": login(sight.secrets, front.service),
        "forward": token(sight.secrets, sight.services),
    }
    found = await asyncio.gather(*(visit.pay(words.get(visit.way, "")) for visit in visits))
    certificate = await _certificate(front, visits)
    problems = [each.message for each in (*found, certificate) if each.message]
    return Finding(
        overall([Status.HEALTHY, certificate.status, *(each.status for each in found)]),
        "; ".join(problems) or f"routes that lead where they should: {len(visits)}",
        {
            "routes": {
                visit.host: each.status.value for visit, each in zip(visits, found, strict=True)
            },
            **({"certificate_ends": certificate.ends.isoformat()} if certificate.ends else {}),
        },
    )


@dataclass(frozen=True, slots=True)
class _Visit:
    """A visit to one route, by its full name."""

    front: Entrance
    service: Service
    route: Route
    host: str
    way: str

    @property
    def path(self) -> str:
        """A path that tells whether the service is there: that of its health, if it is routed."""
        health = self.service.health.path
        # What the front door shows of itself is not where its own health is.
        if health and health.startswith(self.route.paths) and self.service != self.front.service:
            return health
        return self.route.paths[0]

    async def pay(self, word: str) -> _Visited:
        """Return what the route comes to, when it had the time to settle."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                found = await self._look(word)
            except UnavailableError as failed:
                found = _Visited(Status.UNHEALTHY, str(failed), again=True)
            if not found.again or time.monotonic() > end:
                break
            await asyncio.sleep(AGAIN_SECONDS)
        if self.service.optional and found.status is Status.UNHEALTHY:
            return _Visited(Status.DEGRADED, found.message)
        return found

    async def _look(self, word: str) -> _Visited:
        without = await self.front.ask(self.host, self.path)
        if self.way == "own":
            return self._judge(without, LOGINS)
        asking = FORWARDING if self.way == "forward" else PASSING
        if without.status in asking:
            return self._judge(without, passing=asking)
        if without.status != UNAUTHORIZED and self.path not in self.route.open:
            said = f"{self.host} answers {without.status} to who has no password"
            return _Visited(Status.UNHEALTHY, said)
        if not word:
            return _Visited(Status.DEGRADED, f"the password for {self.host} cannot be read")
        if self.way == "forward":
            return self._judge(await self.front.ask(self.host, self.path, token=word))
        return self._judge(await self.front.ask(self.host, self.path, login=word))

    def _judge(
        self,
        answer: Answer,
        welcome: frozenset[int] = frozenset(),
        passing: frozenset[int] = PASSING,
    ) -> _Visited:
        if answer.status < FIRST_WRONG or answer.status in welcome:
            return _Visited(Status.HEALTHY)
        said = f"{self.host} answers {answer.status}"
        return _Visited(Status.UNHEALTHY, said, again=answer.status in passing)


def _visits(front: Entrance, services: Services) -> list[_Visit]:
    return [
        _Visit(
            front,
            each,
            each.route,
            f"{each.route.host}.{services.domain}",
            way(services, each.route),
        )
        for each in services
        if each.route is not None
    ]


async def _certificate(front: Entrance, visits: list[_Visit]) -> _Visited:
    """Return what browsers will think of the certificate, looking at one name."""
    if front.secure is None or not visits:
        return _Visited(Status.HEALTHY)
    host = visits[0].host
    try:
        answer = await front.ask(host, "/")
    except UnavailableError:
        return _Visited(Status.HEALTHY)  # the route itself says so
    if answer.distrust:
        # A public authority may take its time; our own has no excuse.
        ours = front.service.certificate is not None
        status = Status.UNHEALTHY if ours else Status.DEGRADED
        return _Visited(status, f"the certificate for {host} is not believed: {answer.distrust}")
    if answer.ends is not None and answer.ends - SYSTEM.now() < SOON:
        said = f"the certificate ends on {answer.ends:%Y-%m-%d}"
        return _Visited(Status.DEGRADED, said, ends=answer.ends)
    return _Visited(Status.HEALTHY, ends=answer.ends)
