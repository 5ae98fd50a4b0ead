# SPDX-License-Identifier: Apache-2.0
"""Which inventory is meant, and where it keeps what --set writes."""

import os
from collections.abc import Mapping
from pathlib import Path

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .playbook import CLONE

INVENTORY = "inventory/local"
SETTINGS = "settings.yml"


def found(chosen: str) -> Path:
    """Return the path of the inventory *chosen*: as named from here, or else from the clone.

    Raises:
        UsageError: If there is none.
    """
    for path in (Path(chosen), CLONE / chosen):
        if path.exists():
            return path.resolve()
    raise UsageError(
        "no such inventory",
        subject=chosen,
        hint="Copy one and name that: cp -r inventory/server inventory/mine",
    )


def settings(place: Place, chosen: str) -> Path:
    """Return the file in which the inventory *chosen* keeps what was set.

    It belongs to the installation where that lies on this machine, else to the inventory, whose
    variable `beast_settings` says so by `inventory_dir`.
    """
    folder = found(chosen)
    for path in (*folder.glob("group_vars/all.yml"), *folder.glob("group_vars/all/*.yml")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("beast_settings:") and "inventory_dir" in line:
                return folder / SETTINGS
    return place.root / SETTINGS


def logs(place: Place, chosen: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder for the whole output of a deploy, if there is one.

    Where the installation lies on this machine it is the installation's own, which a refused
    deploy does not make; else it is this user's, and made.
    """
    if settings(place, chosen).parent == place.root:
        return place.logs if place.logs.is_dir() else None
    state = environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    folder = Path(state) / "ai-beast" / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
