# SPDX-License-Identifier: Apache-2.0
"""Look how old the newest backup is: seen on the host, and told to a container by the agent."""

from datetime import datetime, timedelta

from beast_ops.agent.client import milestones
from beast_ops.cards import Services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError
from beast_ops.receipts import BORN

from .engine import SECONDS, Probe, aside
from .model import Finding, Status
from .standpoint import Standpoint

OLD = timedelta(hours=26)  # as the alert BackupOld: one a day, and time to make it
HOUR = timedelta(hours=1)
MAKE = "Make one: ./beast backup"


def probes(services: Services, here: Standpoint, clock: Clock = SYSTEM) -> tuple[Probe, ...]:
    """Return the look at the backups of *services*, if there is anything to keep and to see.

    Args:
        services: What is in force.
        here: Where we look from.
        clock: What time it is.
    """
    has_agent = any(each.health.deep == "agent" for each in services)
    if not any(each.state for each in services) or (here.inside and not has_agent):
        return ()

    async def look() -> Finding:
        try:
            done = await aside(lambda: milestones(here.root, inside=here.inside, seconds=SECONDS))
        except BeastError as failed:
            return Finding(Status.DEGRADED, f"nobody tells how old it is: {failed}")
        return judge(done.get("backup"), done.get(BORN), clock.now())

    return (Probe("backup", look, late=Status.DEGRADED),)


def judge(last: datetime | None, born: datetime | None, now: datetime) -> Finding:
    """Return whether the newest backup is young enough; without one all runs, but is not kept.

    Args:
        last: When a backup last succeeded.
        born: When anything was first done here; what is young has time for its first backup.
        now: What time it is.
    """
    if last is None:
        if born is None or now - born <= OLD:
            return Finding(Status.HEALTHY, "none yet; there was less than a day to make one")
        return Finding(Status.DEGRADED, f"there is none. {MAKE}")
    age = max(now - last, timedelta())
    details = {"made": last.isoformat(), "age_seconds": round(age.total_seconds())}
    if age > OLD:
        return Finding(Status.DEGRADED, f"the newest was made {age // HOUR} h ago. {MAKE}", details)
    return Finding(Status.HEALTHY, f"the newest was made {age // HOUR} h ago", details)
