# SPDX-License-Identifier: Apache-2.0
"""The first page: is it well, what fills up, what is in here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from beast_ops.access.model import Scope
from beast_ops.api.house import House, InHouse
from beast_ops.api.routes_search import CollectionModel, collections
from beast_ops.api.rules import needs
from beast_ops.api.states import BACKUPS, RESTORES
from beast_ops.health.model import Report, Status

from . import words
from .shell import HOME, page
from .told import told

router = APIRouter(include_in_schema=False)
ALMOST = 0.8  # as health has it: below 20 % free is degraded
FULL = 0.9
SAMPLES_PER_MINUTE = 4

VERDICTS = {
    Status.HEALTHY: "All is well",
    Status.DEGRADED: "It works, but not all is well",
    Status.UNHEALTHY: "Something does not work",
    Status.UNKNOWN: "Nobody can tell how it is",
}


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure, as people look at it.

    Attributes:
        title: What it is.
        value: The figure, with its unit.
        more: What helps to judge it.
        share: How full it is, 0 to 1; `None` if it cannot be full.
        tone: How bad that is.
        series: How it went, the oldest first.
        least: What the top of the picture stands for at least.
    """

    title: str
    value: str
    more: str
    share: float | None = None
    tone: str = "good"
    series: Sequence[float] = field(default_factory=tuple)
    least: float = 1.0


@router.get(HOME)
@router.get(f"{HOME}/")
@needs(Scope.READ)
async def home() -> Response:
    """Lead to the first page."""
    return RedirectResponse(f"{HOME}/overview")


@router.get(f"{HOME}/overview")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse) -> Response:
    """Show the overview."""
    seen = await _seen(house)
    return page("overview", request, here="overview", title="Overview", **seen)


@router.get(f"{HOME}/overview/now")
@needs(Scope.READ)
async def now(request: Request, house: InHouse) -> Response:
    """Show how it is at this moment."""
    return page("overview_now", request, **await _seen(house))


async def _seen(house: House) -> dict[str, Any]:
    report = await house.health.get()
    return {
        "report": report,
        "verdict": VERDICTS[report.status],
        "gauges": gauges(house, report),
        "collections": await told(_collections(house)),
    }


async def _collections(house: House) -> list[CollectionModel]:
    return (await collections(house)).collections


def gauges(house: House, report: Report) -> list[Gauge]:
    """Return the figures of the overview, of which what nobody knows is left out."""
    found = {check.name: check.details for check in report.checks}
    shown = [_disk(found.get("disk", {})), _memory(house, found.get("memory", {}))]
    return [each for each in shown if each] + [_requests(house), _jobs(house), *_others(house)]


def _disk(details: Any) -> Gauge | None:
    if "total_bytes" not in details:
        return None
    total = details["total_bytes"]
    return _filling("Disk", total - details["free_bytes"], total, ())


def _memory(house: House, details: Any) -> Gauge | None:
    if "total_bytes" not in details:
        return None
    total = details["total_bytes"]
    used = total - details["available_bytes"]
    return _filling("Memory", used, total, house.samples.levels("memory"))


def _filling(title: str, used: float, total: float, series: Sequence[float]) -> Gauge:
    share = used / total if total else 0.0
    tone = "bad" if share > FULL else "warn" if share > ALMOST else "good"
    left = words.size(total - used)
    more = f"{left} of {words.size(total)} left"
    return Gauge(title, f"{share:.0%}", more, share, tone, series, least=total)


def _requests(house: House) -> Gauge:
    series = house.samples.growth("requests")
    last = sum(series[-SAMPLES_PER_MINUTE:])
    searches = sum(house.samples.growth("searches"))
    more = f"{words.number(int(searches))} searches in the last hour"
    return Gauge("Requests per minute", words.number(int(last)), more, series=series, least=5.0)


def _jobs(house: House) -> Gauge:
    queue = house.figures.states.queue
    running, waiting = (queue.running, queue.waiting) if queue else (0, 0)
    more = f"{waiting} waiting" if waiting else "none waiting"
    series = house.samples.levels("jobs")
    return Gauge("Jobs running", str(running), more, series=series, least=2.0)


def _others(house: House) -> list[Gauge]:
    states = house.figures.states
    shown = []
    if states.models is not None and states.models.up:
        loaded = states.models.loaded
        in_memory = words.size(sum(each.size for each in loaded.values()))
        more = f"{in_memory} of memory" if loaded else "it is loaded when it is asked"
        shown.append(
            Gauge("Models in memory", f"{len(loaded)} of {len(states.models.installed)}", more)
        )
    backed_up = max((states.done[name] for name in BACKUPS if name in states.done), default=None)
    proven = max((states.done[name] for name in RESTORES if name in states.done), default=None)
    shown.append(Gauge("Last backup", words.ago(backed_up), _proof(proven)))
    return shown


def _proof(proven: datetime | None) -> str:
    return f"A restore was proven {words.ago(proven)}" if proven else "No restore was proven yet"
