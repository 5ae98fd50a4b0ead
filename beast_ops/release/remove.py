# SPDX-License-Identifier: Apache-2.0
"""Uninstall: stop everything, take the installation away, keep what cannot be made again."""

import re
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from beast_ops.errors import UsageError
from beast_ops.lease import lease
from beast_ops.place import Place

# Data, the key it may be encrypted with, the copies of both, versions of models, and what the user
# set.
KEPT = frozenset(
    {"data", "secrets", "backups", "receipts", "evals", "models", "settings.yml", "override.yml"}
)
OURS = KEPT | {"releases", "current", "config", "live", "venv", "cache", "logs", "run", "beast"}
# What a crash between the two steps of a replacement leaves.
LEFT_BEHIND = re.compile(r"\.(current|settings\.yml)\.\w+$")
HASH = "[0-9a-f]" * 12  # build.HASH_CHARACTERS, without all that comes with it
TRACES = (f"releases/*-{HASH}", f"venv/{HASH}", "secrets/master.key", "run/lease")


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes and what stays.

    Attributes:
        gone: Names below the root.
        kept: Likewise.
        left: Paths of folders elsewhere that held data: links to them go, they do not.
    """

    gone: tuple[str, ...]
    kept: tuple[str, ...]
    left: tuple[str, ...] = ()


def plan(place: Place, *, data: bool) -> Removal:
    """Return what a removal would take; with *data*, everything.

    Raises:
        UsageError: If the folder holds things that are not ours, and everything should go.
    """
    if not is_installation(place):
        return Removal((), ())
    names = sorted(path.name for path in place.root.iterdir())
    strange = [name for name in names if name not in OURS and not LEFT_BEHIND.match(name)]
    if data and strange:
        raise UsageError(
            f"this folder also holds what is not ours: {', '.join(strange)}",
            subject=str(place.root),
            hint="Move it away, then type the same command again.",
        )
    stays = frozenset(strange) if data else KEPT | frozenset(strange)
    gone = tuple(name for name in names if name not in stays)
    return Removal(
        gone=gone,
        kept=tuple(name for name in names if name in stays),
        left=tuple(_elsewhere(place, KEPT.intersection(gone))),
    )


def _elsewhere(place: Place, names: Collection[str]) -> list[str]:
    """Return where links at *names* and up to two folders below lead, out of the root."""
    home = place.root.resolve()
    found = {
        path.resolve()
        for name in names
        for pattern in (name, f"{name}/*", f"{name}/*/*")
        for path in place.root.glob(pattern)
        if path.is_symlink() and path.is_dir() and not path.resolve().is_relative_to(home)
    }
    return sorted(str(path) for path in found if found.isdisjoint(path.parents))


def is_installation(place: Place) -> bool:
    """Return whether something of ours stands there: other folders have a `data` or `run`, too."""
    return any(next(place.root.glob(trace), None) for trace in TRACES)


def remove(place: Place, stop: Callable[[Place], object], *, data: bool) -> Removal:
    """Stop the stack at *place* and remove it; with *data*, its data and keys as well.

    Raises:
        BusyError: If another operation holds the installation.
        UsageError: If everything should go and the folder holds what is not ours.
    """
    removal = plan(place, data=data)
    if not removal.gone:
        return removal
    with lease(place.run, "remove"):
        stop(place)
        for name in plan(place, data=data).gone:  # with what the lease itself made
            path = place.root / name
            if path.is_dir() and not path.is_symlink():
                _take(path)
            else:
                path.unlink(missing_ok=True)
    if not any(place.root.iterdir()):
        place.root.rmdir()
    return removal


def _take(folder: Path) -> None:
    """Remove *folder*, even while a deploy that waits for us clears up in it as well."""
    while folder.exists():
        with suppress(FileNotFoundError):  # of something in it, which the other one took
            shutil.rmtree(folder)
