# SPDX-License-Identifier: Apache-2.0
"""What a version wrote that did not hold: named before its data are discarded."""

from collections.abc import Iterator
from pathlib import Path

from beast_ops.backup.plan import Item, items
from beast_ops.backup.strategies import sqlite
from beast_ops.cards import read_services
from beast_ops.errors import BeastError
from beast_ops.place import Place

FOLDERS = frozenset({"volume", "files"})


def since(place: Place, generation: str) -> str:
    """Return what the data of *generation* have that those before do not, in a few words.

    Args:
        place: The installation; nothing runs in it.
        generation: Data that are a copy, and what was written since; the release in force has them.
    """
    now, before = place.data / generation, _before(place, generation)
    if before is None:
        return ""
    try:
        services = read_services(place.services)
    except BeastError:
        return ""
    found = (_more(item, before / item.path, now / item.path) for item in items(services))
    return ", ".join(said for each in found for said in each)


def _before(place: Place, generation: str) -> Path | None:
    numbers = [int(path.name) for path in place.data.glob("[0-9]*") if path.name.isdecimal()]
    older = [number for number in numbers if number < int(generation)]
    return place.data / str(max(older)) if older else None


def _more(item: Item, before: Path, now: Path) -> Iterator[str]:
    if now.resolve() == before.resolve():
        return  # carried over: nothing of it is discarded
    if item.state.how == "sqlite":
        for table, count in sqlite.grown(now, before).items():
            yield f"{count} rows of {table} in {item.path}"
    elif item.state.how in FOLDERS:
        new = _files(now) - _files(before)
        if new:
            yield f"{len(new)} files in {item.path}"


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
