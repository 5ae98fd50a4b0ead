# SPDX-License-Identifier: Apache-2.0
"""Take over the secrets of a backup, so that a crash leaves the old ones or the new ones.

The old ones lie in `secrets/.before` until the release that goes with the new ones is in force;
whoever holds the installation next settles what a crash left: if the release before is still in
force, so are its secrets.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from beast_ops import keys
from beast_ops.certificates import FOLDER as CA
from beast_ops.files import sync_folder, write_atomically
from beast_ops.place import Place

from .observe import current_release

BEFORE = ".before"
NEW, GONE = f"{BEFORE}.new", f"{BEFORE}.gone"  # being filled, being removed
RELEASE = "release"
PARTS = (keys.MASTER, keys.VERSIONS, keys.GIVEN, CA)


def adopt(place: Place, source: Path) -> None:
    """Replace the secrets at *place* by those in the folder *source*; `settle` undoes it."""
    staged = place.secrets / NEW
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700, parents=True)
    _take(place.secrets, staged)
    write_atomically(staged / RELEASE, (current_release(place) or "").encode())
    sync_folder(staged)
    staged.rename(place.secrets / BEFORE)
    sync_folder(place.secrets)
    _put(source, place.secrets)


def settle(place: Place) -> bool:
    """End what a crash left half done; return whether the secrets before are in force again."""
    before = place.secrets / BEFORE
    for name in (NEW, GONE):
        shutil.rmtree(place.secrets / name, ignore_errors=True)
    if not before.is_dir():
        return False
    back = (before / RELEASE).read_text(encoding="utf-8") == (current_release(place) or "")
    if back:
        _put(before, place.secrets)
    forget(place)
    return back


def forget(place: Place) -> None:
    """Remove the secrets before: there is no way back to them any more."""
    gone = place.secrets / GONE
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(FileNotFoundError):
        (place.secrets / BEFORE).rename(gone)  # at once: half of them would be no way back
    shutil.rmtree(gone, ignore_errors=True)


def _take(source: Path, target: Path) -> None:
    for name in PARTS:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).is_file():
            shutil.copy2(source / name, target / name)


def _put(source: Path, target: Path) -> None:
    """Make the secrets in *target* those in *source*: what is missing there goes."""
    for name in PARTS:
        if (source / name).is_file():
            write_atomically(target / name, (source / name).read_bytes())
        elif (source / name).is_dir():
            shutil.rmtree(target / name, ignore_errors=True)
            shutil.copytree(source / name, target / name)
        elif (target / name).is_dir():
            shutil.rmtree(target / name)
        else:
            (target / name).unlink(missing_ok=True)
    os.sync()
