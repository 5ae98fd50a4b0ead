# SPDX-License-Identifier: Apache-2.0
"""Does a secret open its service? Ways of trying, not names of services.

A way is chosen by what the secret is for: the key of a service's metrics, or a secret that the
kind of deep check the service has knows how to use.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from beast_ops import http
from beast_ops.cards import Services
from beast_ops.entrance import entrance, login, way
from beast_ops.errors import ServiceError
from beast_ops.place import Place

from .catalogue import Entry
from .logins import basic, signs_in

REFUSED = frozenset({401, 403})
SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Lock:
    """What a secret may open: a service among the others of its installation."""

    place: Place
    services: Services
    entry: Entry

    @property
    def address(self) -> str:
        """Where the service is reached from this host."""
        return str(self.entry.service.address)


def opens(lock: Lock, value: str) -> bool | None:
    """Return whether *value* opens the *lock*, or `None` if nobody knows how to try.

    Raises:
        UnavailableError: If the service does not answer.
        ServiceError: If it neither opens nor refuses.
    """
    service, own = lock.entry.service, lock.entry.own
    metrics = service.metrics
    if metrics is not None and metrics.key == own and metrics.port is None:
        return _header(lock, metrics.path, {"authorization": f"Bearer {value}"})
    way = WAYS.get((service.health.deep or "", own))
    return way(lock, value) if way is not None and service.address is not None else None


def _header(lock: Lock, path: str, headers: Mapping[str, str]) -> bool:
    name = lock.entry.service.name
    with http.client(lock.address, seconds=SECONDS) as client, http.speaking_to(name):
        answer = client.get(path, headers=dict(headers))
        return _judge(name, answer.status_code)


def _judge(name: str, status: int) -> bool:
    if status in REFUSED:
        return False
    if status >= 500 or status == 429:  # noqa: PLR2004 - broken, or too busy to judge
        raise ServiceError(f"answers {status} and neither opens nor refuses", subject=name)
    return True


def _vectors(lock: Lock, value: str) -> bool:
    return _header(lock, "/collections", {"api-key": value})


def _api(lock: Lock, value: str) -> bool:
    return _header(lock, "/collections", {"authorization": f"Bearer {value}"})


def _dashboards(lock: Lock, value: str) -> bool:
    return _header(
        lock, "/api/org", {"authorization": basic(lock.place, lock.entry.service, value)}
    )


def _webui(lock: Lock, value: str) -> bool:
    return signs_in(lock.place, lock.entry.service, value) is not None


def _door(lock: Lock, value: str) -> bool | None:
    """Try it at a route where the front door itself asks for it."""
    door = entrance(lock.services, lock.place.secrets)
    user = login(lock.place.secrets, lock.entry.service).partition(":")[0]
    for service in lock.services:
        route = service.route
        if door is not None and route is not None and way(lock.services, route) == "basic":
            host = f"{route.host}.{lock.services.domain}"
            word = f"{user}:{value}"
            answer = asyncio.run(door.ask(host, route.paths[0], login=word))
            return answer.status not in REFUSED
    return None


WAYS: Mapping[tuple[str, str], Callable[[Lock, str], bool | None]] = {
    ("api", "token"): _api,
    ("dashboards", "admin_password"): _dashboards,
    ("routes", "password"): _door,
    ("vectors", "api_key"): _vectors,
    ("webui", "admin_password"): _webui,
}
