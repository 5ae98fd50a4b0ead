# SPDX-License-Identifier: Apache-2.0
"""Deep checks: does a service do its work? Ways of asking, not names of services.

A card names its check (`health.deep`); this table is all that knows them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops import http
from beast_ops.cards import Service, Services
from beast_ops.clock import SYSTEM
from beast_ops.database import Database
from beast_ops.errors import ServiceError
from beast_ops.ingest.settings import jobs_file

from .engine import aside
from .model import Finding, Status
from .routes import routes
from .standpoint import Standpoint

FRESH_SECONDS = 30.0  # workers report every 5 s


@dataclass(frozen=True, slots=True)
class Sight:
    """A service and what looking at it takes.

    Attributes:
        service: The service, joined with the others.
        client: The client all checks share.
        key: The secret that opens the service, if it has one and we may read it.
        services: All services of the release.
        standpoint: Where we look from.
    """

    service: Service
    client: http.AsyncClient
    key: str | None
    services: Services
    standpoint: Standpoint

    @property
    def address(self) -> str | None:
        """Where the service is reached from here."""
        return self.standpoint.address(self.service)

    @property
    def inside(self) -> bool:
        """Whether we look from inside a container."""
        return self.standpoint.inside

    @property
    def data(self) -> Path:
        """The data generation in force, with one folder per volume."""
        return self.standpoint.data

    @property
    def secrets(self) -> Path:
        """The folder with one folder of secrets per service; as a rule readable on the host."""
        return self.standpoint.secrets


async def vectors(sight: Sight) -> Finding:
    """Return whether the vector store lists its collections to who holds the key."""
    headers = {"api-key": sight.key} if sight.key else {}
    answer = await _json(sight, "/collections", headers)
    names = answer["result"]["collections"]
    return Finding(
        Status.HEALTHY,
        f"ready, collections: {len(names)}",
        {"address": sight.address, "collections": len(names)},
    )


async def api(sight: Sight) -> Finding:
    """Return whether the API says that it and all it needs are ready."""
    with http.speaking_to(sight.service.name):
        answer = await sight.client.get(f"{sight.address}/health/ready")
    details = {"address": sight.address}
    if answer.is_success:
        return Finding(Status.HEALTHY, "ready", details)
    return Finding(Status.UNHEALTHY, f"not ready: {_waiting(answer)}", details)


async def worker(sight: Sight) -> Finding:
    """Return whether some worker showed signs of life in the last `FRESH_SECONDS`."""
    database = jobs_file(sight.data)
    ages = await aside(lambda: _ages(database))
    if not ages:
        return Finding(Status.UNHEALTHY, "no worker has ever reported")
    youngest = min(ages.values())
    alive = sum(age <= FRESH_SECONDS for age in ages.values())
    details = {"workers": alive, "heard_seconds_ago": round(youngest, 1)}
    if alive:
        return Finding(Status.HEALTHY, f"at work, heard {youngest:.0f} s ago", details)
    return Finding(Status.UNHEALTHY, f"silent for {youngest:.0f} s", details)


async def models(sight: Sight) -> Finding:
    """Return whether the model server has a model."""
    names = [str(model["name"]) for model in (await _json(sight, "/api/tags", {}))["models"]]
    details = {"address": sight.address, "present": True, "models": names}
    if names:
        return Finding(Status.HEALTHY, f"ready, models: {len(names)}", details)
    return Finding(Status.DEGRADED, "answers, but has no model", details)


CHECKS: Mapping[str, Callable[[Sight], Awaitable[Finding]]] = {
    "api": api,
    "models": models,
    "routes": routes,
    "vectors": vectors,
    "worker": worker,
}

# What cannot be seen without a secret: who may not read it sees only whether the path answers.
NEED_SECRETS = frozenset({"routes", "vectors"})


async def _json(sight: Sight, path: str, headers: Mapping[str, str]) -> Any:
    with http.speaking_to(sight.service.name):
        answer = await sight.client.get(f"{sight.address}{path}", headers=headers)
        answer.raise_for_status()
    try:
        return answer.json()
    except ValueError as wrong:
        raise ServiceError(f"{sight.service.name} answered {path} with no JSON") from wrong


def _waiting(answer: http.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"answered {answer.status_code}"


def _ages(database: Path) -> dict[str, float]:
    """Return how many seconds ago each worker reported."""
    if not database.is_file():
        return {}
    with Database(database, read_only=True) as opened, opened.reading() as table:
        rows = table.execute("SELECT name, seen FROM workers").fetchall()
    now = SYSTEM.now().timestamp()
    return {str(name): max(0.0, now - float(seen)) for name, seen in rows}
