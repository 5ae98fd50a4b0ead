# SPDX-License-Identifier: Apache-2.0
"""Generations of data: a restore fills a new one, and the switch of the release switches it.

    data/1/webui  data/1/vectors  data/1/models
    data/2/webui  data/2/vectors  data/2/models -> ../1/models

What is not restored is carried over as a link: both releases see the same, and going back
loses nothing of it.
"""

import os
from pathlib import Path

from beast_ops import receipts
from beast_ops.files import sync_folder
from beast_ops.place import Place
from beast_ops.release.observe import current_release, read_record

from .extract import wipe

STAGED = ".restore-"
KEPT = 2  # the one in force and the one before it


def numbers(place: Place) -> list[int]:
    """Return the generations that are there, oldest first."""
    found = (path.name for path in place.data.glob("[0-9]*"))
    return sorted(int(name) for name in found if name.isdecimal())


def fresh(place: Place) -> str:
    """Return the name of the next generation."""
    return str(max(numbers(place), default=0) + 1)


def sweep(place: Place) -> None:
    """Remove what killed restores left: folders that were being filled."""
    for path in place.data.glob(f"{STAGED}*"):
        wipe(path)


def carry(place: Place, before: str, folder: Path, wanted: set[str]) -> None:
    """Link in *folder* to every volume of the generation *before* but the *wanted* ones."""
    old = place.data / before
    for volume in sorted(old.glob("[!.]*")) if old.is_dir() else ():
        if volume.name in wanted or (folder / volume.name).exists():
            continue
        target = Path(os.readlink(volume)) if volume.is_symlink() else None  # noqa: PTH115 - as text
        if target is None:
            target = Path("..") / before / volume.name
        (folder / volume.name).symlink_to(target)


def prune(place: Place) -> list[str]:
    """Remove generations that no kept release may need; return their names.

    The one in force stays with the newest before it that was ever proven, and every volume one
    of them leads to. What a restore left that never came to be in force goes.
    """
    release = current_release(place)
    record = read_record(place, release) if release else None
    if record is None:
        return []  # without knowing what is in force, nothing is safe to remove
    others = [number for number in numbers(place) if str(number) != record.generation]
    proven = sorted(set(others) & _proven(place))
    kept = {record.generation, *(str(number) for number in proven[-(KEPT - 1) :])}
    needed = {
        path.resolve()
        for name in kept
        for path in (place.data / name).glob("*")
        if path.is_symlink()
    }
    gone = []
    for number in others:
        folder = place.data / str(number)
        if str(number) in kept:
            continue
        for volume in folder.iterdir():
            if volume.is_symlink():
                volume.unlink()
            elif volume.resolve() not in needed:
                wipe(volume)
        if not any(folder.iterdir()):
            folder.rmdir()
            gone.append(folder.name)
    sync_folder(place.data)
    return gone


def _proven(place: Place) -> set[int]:
    """Return the generations of releases that are still here and were proven once."""
    found = (read_record(place, name) for name in receipts.newest_proven(place.receipts))
    return {int(each.generation) for each in found if each and each.generation.isdecimal()}
