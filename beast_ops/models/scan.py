# SPDX-License-Identifier: Apache-2.0
"""Note in the registry what lies on the disks, and find what lies there twice."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from beast_ops.hashing import hash_files

from .entry import Entry, Instance
from .registry import Registry, drop_found
from .schema import INSTANCES, MODELS
from .stores import Found, Refused, in_folder, in_store

Old = Mapping[tuple[str, str], Any]
_of, _at = MODELS.c, INSTANCES.c


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan found.

    Attributes:
        instances: All models that lie there now.
        new: The paths that were not known before.
        gone: The paths that are not there any more.
        refused: Files that are no models, and why.
    """

    instances: tuple[Instance, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """One content that lies on the disks several times.

    Attributes:
        sha256: Over it.
        bytes: Of one of them.
        paths: Where it lies.
        wasted: Bytes that would be free if they shared one file.
    """

    sha256: str
    bytes: int
    paths: tuple[str, ...]
    wasted: int


def scan(
    registry: Registry,
    stores: Iterable[Path],
    folders: Iterable[Path],
    *,
    every: bool = False,
) -> Scanned:
    """Look at the disks and note in *registry* what is there, all of it or nothing.

    Only files that are as large as others are hashed, as others cannot be the same.

    Args:
        registry: Where it is noted.
        stores: Folders of Ollamas, each with `manifests` and `blobs`.
        folders: Folders with GGUF files.
        every: Whether to hash every file.
    """
    said = [each for root in stores for each in in_store(root)]
    said += [each for folder in folders for each in in_folder(folder)]
    found = {(str(each.path), each.entry.id): each for each in said if isinstance(each, Found)}
    old = {(row.path, row.id): row for row in _old(registry)}
    sums = _sums(found.values(), {path: row for (path, _), row in old.items()}, every=every)
    with registry.database.writing() as table:
        numbers = _models(table, registry, (each.entry for each in found.values()))
        _note(table, found, old, numbers, sums)
        drop_found(table)
    refused = tuple(each for each in said if isinstance(each, Refused))
    return Scanned(
        tuple(registry.instances()),
        tuple(sorted({path for path, _ in found.keys() - old.keys()})),
        tuple(sorted({path for path, _ in old.keys() - found.keys()})),
        refused,
    )


def duplicates(instances: Iterable[Instance]) -> list[Duplicates]:
    """Return what lies there several times, what wastes most first."""
    same: dict[str, dict[str, Instance]] = defaultdict(dict)
    for each in instances:
        if each.sha256:
            same[each.sha256].setdefault(each.path, each)
    found = []
    for sha256, there in same.items():
        if len(there) > 1:
            size = min(each.bytes for each in there.values())
            copies = len({each.file for each in there.values()})
            found.append(Duplicates(sha256, size, tuple(sorted(there)), size * (copies - 1)))
    return sorted(found, key=lambda each: (-each.wasted, each.sha256))


def _old(registry: Registry) -> list[Any]:
    with registry.database.reading() as table:
        wanted = select(INSTANCES, _of.id).join(MODELS, _of.number == _at.model)
        return list(table.execute(wanted).all())


def _sums(found: Iterable[Found], old: Mapping[str, Any], *, every: bool) -> dict[str, str]:
    """Return the SHA-256 of weights by path, where it is known or worth knowing."""
    known: dict[str, str] = {}
    unknown: dict[str, Found] = {}
    alike = Counter(size for _, size in {(each.path, each.stat.st_size) for each in found})
    for each in found:
        path, row = str(each.path), old.get(str(each.path))
        if each.sha256:
            known[path] = each.sha256
        elif row is not None and row.sha256 and _as_before(each, row):
            known[path] = row.sha256
        elif every or alike[each.stat.st_size] > 1:
            unknown[path] = each
    for done in hash_files(map(Path, unknown)):
        known[str(done.path)] = done.sha256
    return known


def _as_before(found: Found, row: Any) -> bool:
    return bool(row.modified == found.stat.st_mtime and row.file == _file(found.stat))


def _file(status: os.stat_result) -> str:
    return f"{status.st_dev:x}:{status.st_ino:x}"


def _models(table: Connection, registry: Registry, entries: Iterable[Entry]) -> dict[str, int]:
    """Have a row for every one of *entries*; one that somebody registered stays as it is."""
    wanted = {entry.id: entry for entry in entries}
    rows = table.execute(select(_of.id, _of.origin)).all()
    kept = {row.id for row in rows if row.origin != "found"}
    fresh = [entry for entry in wanted.values() if entry.id not in kept]
    registry.register_on(table, fresh, "found")
    numbers = table.execute(select(_of.id, _of.number)).all()
    return {row.id: row.number for row in numbers if row.id in wanted}


def _note(
    table: Connection,
    found: Mapping[tuple[str, str], Found],
    old: Old,
    numbers: Mapping[str, int],
    sums: Mapping[str, str],
) -> None:
    for path, model in old.keys() - found.keys():
        gone = select(_of.number).where(_of.id == model).scalar_subquery()
        table.execute(delete(INSTANCES).where(_at.path == path, _at.model == gone))
    for key, each in found.items():
        row = _row(each, old.get(key), sums.get(key[0], ""))
        key_row = {"path": key[0], "model": numbers[key[1]]}
        if key in old:
            where = (_at.path == key_row["path"], _at.model == key_row["model"])
            table.execute(update(INSTANCES).where(*where).values(row))
        else:
            table.execute(insert(INSTANCES).values(**key_row, **row))


def _row(found: Found, old: Any, sha256: str) -> dict[str, Any]:
    """Return what is noted: a file that was read since we looked last has been used."""
    status = found.stat
    used = status.st_atime if _was_used(status, old) else None
    uses, last = (0, None) if old is None else (old.uses, old.last_used)
    return {
        "location": found.location,
        "sha256": sha256,
        "bytes": found.bytes,
        "file": _file(status),
        "modified": status.st_mtime,
        "installed": found.installed,
        "last_used": last if used is None else used,
        "uses": uses + (used is not None),
        "looked": _read_at(found.path),
    }


def _was_used(status: os.stat_result, old: Any) -> bool:
    if old is None:
        return status.st_atime > status.st_mtime + SETTLED_SECONDS
    return bool(status.st_atime > old.looked)


def _read_at(path: Path) -> float:
    try:
        return path.stat().st_atime
    except OSError:
        return 0.0


SETTLED_SECONDS = 60.0  # a file that was just written has been read by nobody yet
