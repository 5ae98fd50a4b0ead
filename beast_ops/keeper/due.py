# SPDX-License-Identifier: Apache-2.0
"""What is to be run now: told from the clock, from what succeeded, and from what was tried.

A slot is the moment at which something should run. Of each kind only the newest slot matters:
a host that was off for a week makes one backup, not seven.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal

from beast_ops.receipts import BORN

from .settings import DAYS, KeeperSettings

DAY, WEEK = timedelta(days=1), timedelta(days=7)
BUSY_PAUSE = timedelta(minutes=5)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(hours=1), timedelta(hours=12)

Kind = Literal["backup", "drill"]
Outcome = Literal["done", "failed", "busy"]


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be run, and the slot it is for."""

    kind: Kind
    slot: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """How the last attempt of a kind went: for which slot, when, and how many failed before."""

    slot: datetime
    at: datetime
    outcome: Outcome
    failures: int = 0


def due(
    now: datetime,
    settings: KeeperSettings,
    last_success: Mapping[str, datetime],
    last_attempts: Mapping[str, Attempt],
    zone: tzinfo | None = None,
) -> Run | None:
    """Return what should run at *now*, if anything; a backup goes before a drill.

    Args:
        now: The moment, with its zone.
        settings: When what should run.
        last_success: When each kind last succeeded; under `BORN` when anything first did.
        last_attempts: How the last attempt of each kind went, if there was one.
        zone: The zone of the settings; that of the host if left out.
    """
    if settings.backup_enabled:
        slot = newest_slot(now, settings.backup_at, None, zone)
        run = Run("backup", slot)
        success = _believed(last_success.get("backup"), now, DAY)
        if (success is None or success < slot) and _may_try(run, now, last_attempts):
            return run
    if settings.drill_enabled and "backup" in last_success:
        slot = newest_slot(now, settings.drill_at, DAYS.index(settings.drill_day), zone)
        run = Run("drill", slot)
        done = _believed(last_success.get("drill"), now, WEEK)
        since = done or _believed(last_success.get(BORN), now, WEEK)
        if (since is None or since < slot) and _may_try(run, now, last_attempts):
            return run
    return None


def newest_slot(
    now: datetime, at: str, weekday: int | None, zone: tzinfo | None = None
) -> datetime:
    """Return the last moment up to *now* when it was *at*, on that weekday if one is named.

    A time that the clocks leave out in spring is an hour later; of one that they repeat in autumn
    the first counts.
    """
    clock, day = time.fromisoformat(at), now.astimezone(zone).date() + DAY
    while True:
        slot = datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
        if slot <= now and weekday in (None, day.weekday()):
            return slot
        day -= DAY


def pause(attempt: Attempt) -> timedelta:
    """Return how long to wait after *attempt*: a while if somebody was at work, else longer."""
    if attempt.outcome == "busy":
        return BUSY_PAUSE
    doublings = min(max(attempt.failures - 1, 0), 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _believed(moment: datetime | None, now: datetime, period: timedelta) -> datetime | None:
    """Return *moment*, unless it lies so far ahead that the clock must have been wrong then."""
    return None if moment is None or moment > now + period else moment


def _may_try(run: Run, now: datetime, attempts: Mapping[str, Attempt]) -> bool:
    last = attempts.get(run.kind)
    if last is None or last.slot != run.slot:
        return True
    waited = now - last.at
    # An attempt that lies ahead is one from before the clock went back; it ends the wait, too.
    return last.outcome != "done" and abs(waited) >= pause(last)
