# SPDX-License-Identifier: Apache-2.0
"""Can the machine carry it: disk, inodes, owners, what was left, who holds it?"""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from beast_ops import locks
from beast_ops.preflight.place import nearest
from beast_ops.release.environment import COMPLETE
from beast_ops.release.land import pair

from . import table
from .model import Diagnosis, Scene

LEAST_PERCENT = 10.0
YOUNG_SECONDS = 600.0  # what is being written is no leftover
LONG_SECONDS = 3600.0


def disk(scene: Scene) -> Iterator[Diagnosis]:
    """Find a file system with too little room."""
    usage = shutil.disk_usage(nearest(scene.place.root))
    free = 100 * usage.free / (usage.used + usage.free)  # as df counts, and health
    if free < LEAST_PERCENT:
        yield table.DISK.found(f"{free:.0f} % free at {scene.place.root}")


def inodes(scene: Scene) -> Iterator[Diagnosis]:
    """Find a file system with too few inodes; some have no such limit."""
    found = os.statvfs(nearest(scene.place.root))
    if found.f_files and (free := 100 * found.f_favail / found.f_files) < LEAST_PERCENT:
        yield table.INODES.found(f"{free:.0f} % of the inodes free at {scene.place.root}")


def owners(scene: Scene) -> Iterator[Diagnosis]:
    """Find data folders that do not belong to who writes there."""
    for path, wanted in data_owners(scene):
        if path.exists() and (uid := path.stat().st_uid) != wanted[0]:
            told = f"{path} belongs to user {uid} instead of {wanted[0]}"
            yield table.DATA_OWNER.found(told, str(path))


def data_owners(scene: Scene) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Yield each data folder of the release, and the numbers of user and group that own it."""
    for service in scene.ours if scene.services else ():
        if scene.composed and service.user is None:
            continue  # nobody says whose it is
        for volume in service.volumes:
            owner = pair(service.user) if scene.composed and service.user else (scene.uid, -1)
            yield Path(scene.services.data if scene.services else "") / volume, owner


def leftovers(scene: Scene) -> Iterator[Diagnosis]:
    """Find what an operation that was killed left behind."""
    for path in unfinished(scene):
        name = str(path.relative_to(scene.place.root))
        yield table.LEFTOVER.found(f"{name} is unfinished", name)


def unfinished(scene: Scene) -> Iterator[Path]:
    """Yield staged releases, data and environments that nobody goes on with."""
    before = scene.clock.now().timestamp() - YOUNG_SECONDS
    place = scene.place
    named = scene.record.venv if scene.record else ""
    found = [*place.releases.glob(".*"), *place.data.glob(".*")]
    found += [
        path
        for path in place.venv.glob("*")
        if path.is_dir() and path.name != named and not (path / COMPLETE).exists()
    ]
    yield from (path for path in sorted(found) if path.lstat().st_mtime < before)


def lease(scene: Scene) -> Iterator[Diagnosis]:
    """Find an operation that holds the installation for longer than any should."""
    path = scene.place.run / "lease"
    try:
        owner = json.loads(path.read_bytes())
        since = datetime.fromisoformat(owner["since"])
        told = f"{owner['operation']}, process {owner['pid']}, since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return
    if (scene.clock.now() - since).total_seconds() < LONG_SECONDS:
        return  # taking it to see would stand in the way of who begins now
    handle = locks.take(path)
    if handle is None:
        yield table.LEASE.found(told)
    else:
        os.close(handle)
