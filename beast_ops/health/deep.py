# SPDX-License-Identifier: Apache-2.0
"""Deep checks: does a service do its work? Ways of asking, not names of services.

A card names its check (`health.deep`); this table is all that knows them.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from beast_ops import http
from beast_ops.clock import SYSTEM
from beast_ops.database import FAILURES
from beast_ops.database.look import looking
from beast_ops.ingest.settings import jobs_file

from .agent import agent
from .engine import aside
from .keeper import keeper
from .model import Finding, Status
from .models import models
from .monitoring import alerting, dashboards, targets
from .queue import queue
from .routes import routes
from .sight import Sight
from .vectors import vectors
from .watcher import watcher
from .webui import webui

__all__ = ["CHECKS", "NEED_SECRETS", "ON_HOST", "Sight"]

FRESH_SECONDS = 30.0  # workers report every 5 s


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
    try:
        ages = await aside(lambda: _ages(database))
    except FAILURES as failed:
        return Finding(Status.UNKNOWN, failed.paragraph())
    if not ages:
        return Finding(Status.UNHEALTHY, "no worker reports itself")
    youngest = min(ages.values())
    alive = sum(age <= FRESH_SECONDS for age in ages.values())
    details = {"workers": alive, "heard_seconds_ago": round(youngest, 1)}
    if alive:
        return Finding(Status.HEALTHY, f"at work, heard {youngest:.0f} s ago", details)
    return Finding(Status.UNHEALTHY, f"silent for {youngest:.0f} s", details)


CHECKS: Mapping[str, Callable[[Sight], Awaitable[Finding]]] = {
    "alerting": alerting,
    "agent": agent,
    "api": api,
    "dashboards": dashboards,
    "keeper": keeper,
    "models": models,
    "queue": queue,
    "routes": routes,
    "targets": targets,
    "vectors": vectors,
    "watcher": watcher,
    "webui": webui,
    "worker": worker,
}

# What cannot be seen without a secret: who may not read it sees only whether the path answers.
NEED_SECRETS = frozenset({"queue", "routes", "vectors"})
# What only the host can see, for it lies where no container may look.
ON_HOST = frozenset({"keeper", "watcher"})


def _waiting(answer: http.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"answered {answer.status_code}"


def _ages(database: Path) -> dict[str, float]:
    """Return how many seconds ago each worker reported."""
    if not database.is_file():
        return {}
    with looking(database) as table:
        rows = table.execute("SELECT name, seen FROM workers").fetchall()
    now = SYSTEM.now().timestamp()
    return {str(name): max(0.0, now - float(seen)) for name, seen in rows}
