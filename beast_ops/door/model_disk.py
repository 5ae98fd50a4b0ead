# SPDX-License-Identifier: Apache-2.0
"""Print which models lie on this host's disks, how much they take, and what lies there twice."""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .models import size
from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.models.entry import Instance
    from beast_ops.models.scan import Duplicates, Scanned

UNFINISHED = "sha256-*-partial*"


def scan(place: Place, folders: Sequence[str], *, every: bool, json: bool) -> None:
    """Look at the disks, note what is there, and print what is new or gone.

    Raises:
        UsageError: If one of *folders* is none.
    """
    found, same, _ = _look(place, folders, every=every)
    if json:
        emit({**_plain(found.instances, same), "new": found.new, "gone": found.gone, **_bad(found)})
        return
    for each in found.instances:
        mark = "new " if each.path in found.new else "    "
        line(f"{mark}{each.model:<32} {size(each.bytes):>9}  {each.path}")
    for path in found.gone:
        line(f"gone {path}")
    for refused in found.refused:
        line(f"no model: {refused.path}: {refused.why}")
    _tell_same(same)
    if not found.instances:
        line("There is no model on these disks. Name a folder: ./beast models.scan --folder PATH")


def disk(place: Place, *, json: bool) -> None:
    """Print how much the models take, where, and what could be free."""
    found, same, stores = _look(place, (), every=False)
    unfinished = _unfinished(stores)
    used, kept = _used(found.instances), _kept(place)
    shown = {path: shutil.disk_usage(path).free for path in used}
    if json:
        emit(
            {
                **_plain(found.instances, same),
                "bytes": sum(used.values()),
                "places": [
                    {"path": path, "bytes": count, "free": shown[path]}
                    for path, count in used.items()
                ],
                "unfinished_bytes": unfinished,
                "versions_bytes": kept,
            }
        )
        return
    for path, count in used.items():
        line(f"{size(count):>9}  {path}, {size(shown[path])} free")
    line(f"{size(sum(used.values())):>9}  in {len(found.instances)} models")
    line(f"{size(kept):>9}  in versions, what is shared with models included")
    if unfinished:
        line(f"{size(unfinished):>9}  in downloads that were not finished")
    _tell_same(same)


def _look(
    place: Place, folders: Sequence[str], *, every: bool
) -> "tuple[Scanned, list[Duplicates], list[Path]]":
    from beast_ops.models.places import stores
    from beast_ops.models.registry import open_registry
    from beast_ops.models.scan import duplicates
    from beast_ops.models.scan import scan as look

    paths = [Path(folder).expanduser() for folder in folders]
    for path in paths:
        if not path.is_dir():
            raise UsageError("there is no such folder", subject=str(path))
    roots = stores(place)
    with open_registry(place) as registry:
        found = look(registry, roots, registry.folders(paths), every=every)
    return found, duplicates(found.instances), roots


def _used(instances: "Iterable[Instance]") -> dict[str, int]:
    """Return the bytes of models by folder; a file with several names counts once."""
    files: dict[str, tuple[str, int]] = {}
    for each in instances:
        files.setdefault(each.file, (str(Path(each.path).parent), each.bytes))
    found: dict[str, int] = defaultdict(int)
    for folder, count in files.values():
        found[folder] += count
    return dict(sorted(found.items()))


def _kept(place: Place) -> int:
    from beast_ops.models.versions import Versions

    parts = {
        part.sha256: part.bytes
        for each in Versions(versions_folder(place)).all()
        for part in each.parts
    }
    return sum(parts.values())


def versions_folder(place: Place) -> Path:
    """Return where the versions of models lie."""
    return place.models / "versions"


def _unfinished(stores: Iterable[Path]) -> int:
    paths = (path for root in stores for path in (root / "blobs").glob(UNFINISHED))
    return sum(path.stat().st_blocks * 512 for path in paths)


def _plain(instances: "Iterable[Instance]", same: "Iterable[Duplicates]") -> dict[str, Any]:
    return {
        "instances": [asdict(each) for each in instances],
        "duplicates": [asdict(each) for each in same],
    }


def _bad(found: "Scanned") -> dict[str, Any]:
    return {"refused": [{"path": str(each.path), "why": each.why} for each in found.refused]}


def _tell_same(same: "Iterable[Duplicates]") -> None:
    for each in same:
        how = f"{size(each.wasted)} could be free" if each.wasted else "they share one file"
        line(f"the same: {', '.join(each.paths)}; {how}")
