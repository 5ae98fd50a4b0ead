# SPDX-License-Identifier: Apache-2.0
"""Does the watcher follow its folders, as the file says that it writes twice a minute?"""

from beast_ops.clock import SYSTEM
from beast_ops.watcher import state

from .engine import aside
from .model import Finding, Status
from .sight import Sight

YOUNG_SECONDS = 180.0  # it writes every 30 s
NEVER = "the watcher has not reported yet: no folder is followed"


async def watcher(sight: Sight) -> Finding:
    """Return whether the watcher looked lately; without it folders are merely not followed."""
    found = await aside(lambda: state.read(sight.standpoint.root / "run"))
    if found is None:
        return Finding(Status.DEGRADED, NEVER)
    age = (SYSTEM.now() - found.seen).total_seconds()
    details = {"heard_seconds_ago": round(age, 1), "folders": found.folders}
    if abs(age) > YOUNG_SECONDS:
        return Finding(Status.DEGRADED, f"silent for {age:.0f} s; no folder is followed", details)
    for folder, trouble in found.troubles.items():
        return Finding(Status.DEGRADED, f"{folder}: {trouble}", details)
    many = "" if found.folders == 1 else "s"
    return Finding(Status.HEALTHY, f"follows {found.folders} folder{many}", details)
