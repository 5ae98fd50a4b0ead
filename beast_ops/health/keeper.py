# SPDX-License-Identifier: Apache-2.0
"""Does the keeper look after backups and drills, as the file says that it writes each minute?"""

from beast_ops.clock import SYSTEM
from beast_ops.keeper import state

from .engine import aside
from .model import Finding, Status
from .sight import Sight

YOUNG_SECONDS = 300.0  # it writes every 60 s
NEVER = "the keeper has not reported yet: no backups are made by themselves"


async def keeper(sight: Sight) -> Finding:
    """Return whether the keeper looked lately; without it everything runs, but is not kept."""
    found = await aside(lambda: state.read(sight.standpoint.root / "run"))
    if found is None:
        return Finding(Status.DEGRADED, NEVER)
    age = (SYSTEM.now() - found.seen).total_seconds()
    details = {"heard_seconds_ago": round(age, 1), "running": found.running}
    if abs(age) > YOUNG_SECONDS:
        return Finding(Status.DEGRADED, f"silent for {age:.0f} s; no backups are made", details)
    at_work = f"at work on a {found.running}" if found.running else "at work"
    return Finding(Status.HEALTHY, f"{at_work}, heard {max(age, 0):.0f} s ago", details)
