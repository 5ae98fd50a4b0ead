# SPDX-License-Identifier: Apache-2.0
"""Upgrade from the controller: see what runs, say the steps, take them one by one."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beast_ops.errors import MissingError
from beast_ops.place import Place
from beast_ops.upgrade.ladder import Step, steps

from . import sets
from .inventory import found, settings
from .playbook import CLONE, Playbook
from .progress import Progress
from .verbs import DeployOptions, follow, logged, quietly

OWN = "AI Beast itself, and settings"


def upgrade(place: Place, options: DeployOptions, service: str = "", *, plan: bool = False) -> int:
    """Bring what keeps data to the versions that the inventory names; return the exit code.

    Args:
        place: The installation on this machine, whose root an inventory may follow.
        options: The inventory, and whether to show everything.
        service: Only this one; all if empty.
        plan: Only say the steps.

    Raises:
        ConflictError: If a version may not be reached like that.
        MissingError: If no such service runs.
        BeastError: If a step failed; what ran before it runs again, with its data.
    """
    own = settings(place, options.inventory)
    with sets.proposed(own, sets.parse(CLONE, options.sets)) as draft:
        seen = _look(place, options, draft)
        ways = _steps(seen["images"], service)
        said = [step.said() for step in ways] or ([OWN] if seen["changes"] else [])
        for each in said:
            _say(f"Step: {each}")
        if not said:
            _say(f"Nothing to upgrade: release {seen['release']} is in force and proven.")
        elif not plan:
            _climb(place, options, draft, ways)
            if draft is not None:
                sets.keep(own, draft)
    return 0


def _climb(place: Place, options: DeployOptions, draft: Path | None, ways: list[Step]) -> None:
    """Take every step; each one that held stays."""
    done: dict[str, str] = {}
    for step in ways:
        done[step.service] = step.after
        _take(place, options, draft, {"images": dict(done), "step": step.said()})
    if not ways:
        _take(place, options, draft, {"images": {}, "step": OWN})


def _steps(images: Mapping[str, Mapping[str, Any]], service: str) -> list[Step]:
    if service and service not in images:
        known = ", ".join(sorted(images)) or "none"
        raise MissingError(
            "no container of this name keeps data here", subject=service, hint=f"There are: {known}"
        )
    chosen = {name: each for name, each in images.items() if service in {"", name}}
    return [
        step
        for name, each in chosen.items()
        for step in steps(name, each["runs"], each["wanted"], each["ladder"])
    ]


def _look(place: Place, options: DeployOptions, draft: Path | None) -> Mapping[str, Any]:
    """Return what a deploy would do if it might change images."""
    with quietly(options) as log:
        playbook = Playbook(
            "site",
            str(found(options.inventory)),
            place.root,
            check=True,
            settings=draft,
            variables=options.wish(look=True),
        )
        return follow(playbook, log, Progress(place.root, says_steps=False)).plan


def _take(
    place: Place, options: DeployOptions, draft: Path | None, wish: Mapping[str, Any]
) -> None:
    """Take one step, and say how it went."""
    _say(f"{wish['step']}:")
    with logged(place, "upgrade", options) as log:
        playbook = Playbook(
            "site",
            str(found(options.inventory)),
            place.root,
            settings=draft,
            variables=options.wish(**wish),
        )
        follow(playbook, log, Progress(place.root)).show_end(place)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
