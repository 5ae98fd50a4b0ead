# SPDX-License-Identifier: Apache-2.0
"""Are the secrets there, whole, and closed to others?"""

from collections.abc import Iterator
from pathlib import Path

from beast_ops import keys
from beast_ops.errors import BeastError
from beast_ops.files import PRIVATE
from beast_ops.release.land import pair

from . import table
from .model import Diagnosis, Scene


def master(scene: Scene) -> Iterator[Diagnosis]:
    """Find a master key that is missing though secrets were made from it, or is damaged."""
    path = scene.place.secrets / keys.MASTER
    if not path.exists():
        if scene.record and scene.record.handovers:
            yield table.MASTER_KEY.found("it is not there", f"secrets/{keys.MASTER}")
    elif (size := path.stat().st_size) != keys.MASTER_BYTES:
        told = f"it has {size} bytes instead of {keys.MASTER_BYTES}"
        yield table.MASTER_KEY.found(told, f"secrets/{keys.MASTER}")


def openness(scene: Scene) -> Iterator[Diagnosis]:
    """Find the folder of secrets or the master key readable for others."""
    for path in (scene.place.secrets, scene.place.secrets / keys.MASTER):
        if path.exists() and path.stat().st_mode & 0o077:
            mode = path.stat().st_mode & 0o777
            name = str(path.relative_to(scene.place.root))
            yield table.OPEN_SECRETS.found(f"{name} has mode {mode:04o}", name)


def versions(scene: Scene) -> Iterator[Diagnosis]:
    """Find damaged versions."""
    try:
        keys.versions(scene.place.secrets)
    except BeastError as damaged:
        yield table.VERSIONS.found(damaged.paragraph(), "secrets/versions")


def handed_over(scene: Scene) -> Iterator[Diagnosis]:
    """Find files of secrets that are missing, or not right, for their reader."""
    if scene.record is None:
        return
    wanted = {(item[0], item[1]): f"{item[2]}/{item[3]}" for item in scene.record.handovers}
    named = [*wanted, *((reader, file) for reader, file, _ in scene.record.filled)]
    for reader, file in named:
        path = scene.place.secrets / reader / file
        wrong = _wrong(scene, path, scene.record.owners.get(reader))
        wrong = wrong or _stale(scene, path, wanted.get((reader, file), ""))
        if wrong:
            name = str(path.relative_to(scene.place.root))
            yield table.SECRET_FILE.found(f"{name} {wrong}", name)


def _wrong(scene: Scene, path: Path, owner: str | None) -> str:
    """Return what is wrong with mode or owner of *path*; nothing if all is well."""
    if not path.is_file():
        return "is missing"
    found = path.stat()
    if found.st_mode & 0o777 != PRIVATE:
        return f"has mode {found.st_mode & 0o777:04o} instead of {PRIVATE:04o}"
    wanted = pair(owner)[0] if owner and scene.uid == 0 else scene.uid
    return f"belongs to user {found.st_uid} instead of {wanted}" if found.st_uid != wanted else ""


def _stale(scene: Scene, path: Path, name: str) -> str:
    """Return that *path* does not hold the derived secret *name*, if it does not."""
    if not name or (scene.record and name in scene.record.given):
        return ""
    try:
        version = keys.versions(scene.place.secrets).get(name, 1)
        right = keys.value(scene.place.secrets, name, version)
        return "" if path.read_text(encoding="utf-8", errors="replace") == right else "was edited"
    except BeastError:
        return ""  # the key or the versions are damaged, which is a diagnosis of its own
