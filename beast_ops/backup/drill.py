# SPDX-License-Identifier: Apache-2.0
"""Restore a backup beside the stack that runs, prove it there, and leave nothing behind."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beast_ops import receipts
from beast_ops.cards import Services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import CommandError
from beast_ops.evals import beside, questions
from beast_ops.health import report
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.release.hands import WAIT_SECONDS

from . import contents, generations, reship
from .aside import Ground, running
from .extract import wipe
from .make import versions
from .restore import plan
from .stage import Opening, Stage, fill, ground, make_room, unpack

FOLDER = ".drill"


@dataclass(frozen=True, slots=True)
class Drilled:
    """A drill that passed: of which backup, what was looked at, and how long it took."""

    name: str
    checks: tuple[dict[str, Any], ...]
    seconds: float


def drill(place: Place, opening: Opening, clock: Clock = SYSTEM) -> Drilled:
    """Restore an archive into a throwaway stack, and prove it.

    Raises:
        NotDeployedError: If there is no installation to do it beside of.
        ArchiveError: If the archive is not whole, or not what was kept.
        CommandError: If a service does not come up on it, or does not prove itself.
    """
    with lease(place.run, "drill", wait=WAIT_SECONDS, clock=clock):
        begun = clock.monotonic()
        now = contents.in_force(place)
        wanted = plan(place, opening)
        folder = place.data / f"{generations.STAGED}drill"
        generations.sweep(place)
        with receipts.recording(place.receipts, "drill", clock) as kept:
            kept.release, kept.content = now.name, now.record.content
            kept.details = {"name": wanted.header["name"]}
            packed = reship.read(place.releases / now.name, place.config)
            kept.versions = versions(packed.services)
            try:
                stage = unpack(opening, folder, wanted.wanted)
                release = place.releases / now.name
                checks = fill(stage, place, release, packed)
                where = ground(stage, place, release, packed.services)
                checks += prove(stage, where, packed.record.volumes)
            finally:
                wipe(folder)
            kept.outcome, kept.checks = "proven", tuple(checks)
        return Drilled(str(wanted.header["name"]), tuple(checks), clock.monotonic() - begun)


def prove(stage: Stage, where: Ground, owners: Mapping[str, str]) -> list[dict[str, Any]]:
    """Run what keeps data and can be asked, on what was staged; return what the gate says.

    Args:
        stage: What was staged.
        where: What the services run on.
        owners: Whose each volume is; see `make_room`.

    Raises:
        CommandError: If something does not come up, or does not prove itself.
    """
    names = {item.service for item, _ in stage.items if item.state.how != "models"}
    chosen = [
        each for each in where.services if each.name in names and each.address and not each.external
    ]
    make_room(stage, chosen, owners)
    with running(where, chosen) as addresses:
        seen = Services(
            project=where.services.project,
            runtime=where.services.runtime,
            root=str(stage.folder),
            data=str(stage.data),
            domain=None,
            services=tuple(
                each.model_copy(update={"address": addresses[each.name]}) for each in chosen
            ),
        )
        keys = report.keys_below(stage.secrets)
        found = asyncio.run(report.survey(seen, keys, machine=False, thorough=True))
        golden = _golden(stage, where, seen) if found.passable else []
    checks = [*map(dict, found.as_dict()["checks"]), *golden]
    if not found.passable or any(each["status"] == "unhealthy" for each in golden):
        raise CommandError(
            f"the backup does not prove itself: {_bad(checks)}",
            subject=str(stage.summary.header["name"]),
        )
    return checks


def _bad(checks: list[dict[str, Any]]) -> str:
    """Return what those of *checks* say that did not go well."""
    return "; ".join(
        f"{each['name']}: {each['message']}"
        for each in checks
        if each["status"] not in {"healthy", "degraded"}
    )


def _golden(stage: Stage, where: Ground, seen: Services) -> list[dict[str, Any]]:
    """Ask the golden questions of the backup of what was staged, and of what runs."""
    live = beside.Side(where.services, where.place.secrets)
    mine = beside.Side(seen, stage.secrets)
    python = where.release / "venv" / "bin" / "python"
    return beside.compare(stage.folder / questions.FOLDER, mine, live, python)
