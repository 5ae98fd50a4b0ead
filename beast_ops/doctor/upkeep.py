# SPDX-License-Identifier: Apache-2.0
"""What must be done again and again: certificates, backups, drills."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from beast_ops import certificates, receipts

from . import table
from .model import Diagnosis, Scene

SOON = timedelta(days=14)
BACKUP_AGE = timedelta(days=2)
DRILL_AGE = timedelta(days=8)


def certificate(scene: Scene) -> Iterator[Diagnosis]:
    """Find certificates that have ended or will soon."""
    for service in scene.ours:
        ends = certificates.expires(scene.place.secrets / service.name / certificates.LEAF)
        if ends is not None and ends - scene.clock.now() < SOON:
            told = f"that of {service.name} ends {ends.isoformat(timespec='seconds')}"
            yield table.CERTIFICATE.found(told, service.name)


def backup(scene: Scene) -> Iterator[Diagnosis]:
    """Find that there is data and no young backup of it."""
    if scene.services is None or not any(each.state for each in scene.services):
        return
    last = receipts.last_successes(scene.place.receipts).get("backup")
    since = last or _first(scene)
    if since is not None and scene.clock.now() - since > BACKUP_AGE:
        told = f"the newest is of {last.isoformat()}" if last else "there is none"
        yield table.BACKUP.found(told)


def _first(scene: Scene) -> datetime | None:
    """Return when something was first done here."""
    done = [each.finished for each in receipts.read_all(scene.place.receipts)]
    return datetime.fromisoformat(min(done)) if done else None


def drill(scene: Scene) -> Iterator[Diagnosis]:
    """Find that there are backups, and no young proof that they can be restored."""
    last = receipts.last_successes(scene.place.receipts)
    if "backup" not in last:
        return
    done = [
        datetime.fromisoformat(each.finished)
        for each in receipts.read_all(scene.place.receipts)
        if each.operation == "backup"
    ]
    since = last.get("drill") or min(done)
    if scene.clock.now() - since > DRILL_AGE:
        told = f"the last was {since.isoformat()}" if "drill" in last else "there was none"
        yield table.DRILL.found(told)
