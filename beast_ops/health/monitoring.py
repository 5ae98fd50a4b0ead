# SPDX-License-Identifier: Apache-2.0
"""Deep checks of what watches the others: are targets measured, do alerts and dashboards work?"""

import base64
from typing import Any

from .model import Finding, Status
from .sight import Sight

USER, PASSWORD = "admin_user", "admin_password"  # files of its folder of secrets
SOURCE = "beast-prometheus"  # the uid that every dashboard names


async def targets(sight: Sight) -> Finding:
    """Return whether everything that has metrics was measured at the last try."""
    found = (await sight.json("/api/v1/targets?state=active"))["data"]["activeTargets"]
    names = {target["labels"]["job"]: target for target in found}
    wanted = {each.name for each in sight.services if each.metrics is not None and each.contained}
    down = sorted(name for name, target in names.items() if target["health"] != "up")
    details = {"address": sight.address, "targets": len(found), "down": down}
    missing = sorted(wanted - names.keys())
    if missing:
        return Finding(Status.UNHEALTHY, f"does not measure: {', '.join(missing)}", details)
    if down:
        told = "; ".join(f"{name}: {_why(names[name])}" for name in down)
        return Finding(Status.UNHEALTHY, f"cannot measure {told}", details)
    return Finding(Status.HEALTHY, f"measures {len(found)} targets", details)


def _why(target: dict[str, Any]) -> str:
    """Return why *target* was not measured, without its address."""
    error = str(target.get("lastError", ""))
    return error.rpartition(": ")[2] or "not asked yet"


async def alerting(sight: Sight) -> Finding:
    """Return whether Alertmanager took its configuration and is ready to send."""
    status = await sight.json("/api/v2/status")
    details = {"address": sight.address, "version": status["versionInfo"]["version"]}
    if not status["config"]["original"]:
        return Finding(Status.UNHEALTHY, "has no configuration", details)
    return Finding(Status.HEALTHY, "ready to send alerts", details)


async def dashboards(sight: Sight) -> Finding:
    """Return whether Grafana's database works, and what it shows comes from our source.

    The login is tried where we may know the password: from outside, for the gate.
    """
    told = await sight.json("/api/health")
    details = {"address": sight.address, "version": told.get("version")}
    if told.get("database") != "ok":
        return Finding(Status.UNHEALTHY, f"its database is {told.get('database')}", details)
    password = sight.secret(PASSWORD)
    if not sight.thorough or password is None:
        return Finding(Status.HEALTHY, "answers, and so does its database", details)
    user = sight.secret(USER) or "admin"
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    await sight.json(f"/api/datasources/uid/{SOURCE}", headers)
    shown = await sight.json("/api/search?type=dash-db", headers)
    return Finding(
        Status.HEALTHY,
        f"lets the administrator in, dashboards: {len(shown)}",
        {**details, "dashboards": len(shown)},
    )
