# SPDX-License-Identifier: Apache-2.0
"""Mend what is safe to mend, one thing after the other, while nobody else is at it."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from beast_ops.errors import BeastError
from beast_ops.gpu.contained import cut_off
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.release.land import give_secrets
from beast_ops.runtime import of

from . import machine, table
from .model import Diagnosis, scene

Fix = Callable[[Place], str]


def fix(place: Place, found: Iterable[Diagnosis]) -> list[str]:
    """Mend those of *found* that can be mended, and return one sentence for each kind.

    Raises:
        BusyError: If another operation holds the installation.
    """
    wanted = {each.id for each in found}
    chosen = {id_: mend for id_, mend in FIXES.items() if id_ in wanted}
    if not chosen:
        return []
    with lease(place.run, "doctor"):
        return [f"{id_}: {_tried(mend, place)}" for id_, mend in chosen.items()]


def _tried(mend: Fix, place: Place) -> str:
    try:
        return mend(place)
    except BeastError as failed:
        return f"could not be mended: {failed.paragraph()}"
    except OSError as failed:
        return f"could not be mended: {failed.strerror} ({failed.filename})."


def _close(place: Place) -> str:
    place.secrets.chmod(0o700)
    path = place.secrets / "master.key"
    if path.exists():
        path.chmod(0o600)
    return "secrets are closed to others."


def _hand_over(place: Place) -> str:
    record = scene(place).record
    if record is None:
        return "nobody knows any more what was handed over."
    give_secrets(place, record)
    return "secrets were handed over again."


def _own(place: Place) -> str:
    for path, owner in machine.data_owners(scene(place)):
        if path.exists() and path.stat().st_uid != owner[0]:
            os.chown(path, *owner, follow_symlinks=False)
    return "data folders were given to their users."


def _sweep(place: Place) -> str:
    gone = list(machine.unfinished(scene(place)))
    for path in gone:
        _take(path)
    return f"removed {', '.join(str(path.relative_to(place.root)) for path in gone) or 'nothing'}."


def _take(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _start(place: Place) -> str:
    of(place).start(place)
    return "all services were started."


def _restart(place: Place) -> str:
    names = sorted({each.subject for each in cut_off(place)})
    for name in names:
        of(place).restart(place, name)
    return f"made anew: {', '.join(names) or 'nothing'}."


# In this order: what is started reads its secrets and writes its data.
FIXES: dict[str, Fix] = {
    table.OPEN_SECRETS.id: _close,
    table.SECRET_FILE.id: _hand_over,
    table.DATA_OWNER.id: _own,
    table.LEFTOVER.id: _sweep,
    table.ORPHANS.id: _start,
    table.STOPPED.id: _start,
    table.GPU_CUT_OFF.id: _restart,
}
