# SPDX-License-Identifier: Apache-2.0
"""Audit the host of an inventory, and look at it from another host of the same inventory."""

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from beast_ops import audit
from beast_ops.audit.finding import Finding, Report, Weight, read
from beast_ops.audit.judge import reached
from beast_ops.errors import CommandError, ServiceError
from beast_ops.place import Place

from .elsewhere import run_there
from .inventory import found
from .playbook import Playbook, run

PROBE = Path(audit.__file__).with_name("probe.py")


def audit_there(place: Place, inventory: str, prober: str = "") -> Report:
    """Return what the host of *inventory* shows of itself, and to *prober*.

    Args:
        place: The installation on this machine, whose root an inventory may follow.
        inventory: Path of the inventory.
        prober: Name of another host of the inventory that looks from outside, if any.

    Raises:
        CommandError: If a host cannot be reached.
        ServiceError: If a host answers with something else than a report.
    """
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        run_there(place, inventory, ["audit", "--json"])
    try:
        report = read(json.loads(heard.getvalue()))
    except (ValueError, KeyError, TypeError) as wrong:
        raise ServiceError("the host answered with no report", subject=inventory) from wrong
    if not prober:
        return report
    seen = _probe(place, inventory, prober)
    return report.with_more([*reached(report, seen["open"], prober), *_looked(seen, prober)])


def _looked(seen: dict[str, Any], prober: str) -> Iterator[Finding]:
    said = f"{prober} looked at {seen['looked']} ports: {len(seen['open'])} let it in"
    yield Finding("reached", Weight.NOTE, f"{said}, {seen['silent']} stayed silent")


def _probe(place: Place, inventory: str, prober: str) -> dict[str, Any]:
    variables = {"probe_from": prober, "probe_program": str(PROBE)}
    playbook = Playbook("probe", str(found(inventory)), place.root, variables=variables)
    failure = ""
    with tempfile.TemporaryFile() as log:
        for event in run(playbook, log):
            if event["event"] == "failed":
                failure = failure or " ".join(str(event.get("msg", "")).split())
            elif event.get("stdout"):
                return dict(json.loads(event["stdout"]))
    raise CommandError(
        f"could not look from there: {failure or 'no such host in the inventory'}",
        subject=prober,
        hint="Name a host of the inventory, of the group probes, to which nothing is deployed.",
    )
