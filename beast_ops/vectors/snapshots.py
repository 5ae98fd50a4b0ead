# SPDX-License-Identifier: Apache-2.0
"""Snapshots: a collection's record and shard in one file, with its SHA-256 beside it.

    snapshots/<collection>/<name>.snapshot             tar: collection.json, shard/…
    snapshots/<collection>/<name>.snapshot.checksum    SHA-256, hexadecimal, as a server keeps

The write-ahead log is part of it: without its log a shard numbers operations anew, and the engine
silently drops those numbered below what its points carry.
"""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast
from uuid import uuid4

import orjson

from beast_ops.files import sync_folder, write_atomically
from beast_ops.hashing import sha256_of

from .collection import RECORD
from .copying import copy_tree
from .errors import RefusedError, missing, wrong
from .sparse_tar import add_tree

SHARD = "shard"
SUFFIX = ".snapshot"
CHECKSUM = ".checksum"
CHUNK = 1 << 20


def describe(path: Path) -> dict[str, Any]:
    """Return a snapshot as Qdrant describes it."""
    found = path.stat()
    made = datetime.fromtimestamp(found.st_mtime, UTC)
    return {
        "name": path.name,
        "creation_time": made.strftime("%Y-%m-%dT%H:%M:%S"),
        "size": found.st_size,
        "checksum": kept_checksum(path),
    }


def listed(folder: Path) -> list[dict[str, Any]]:
    """Return the snapshots in *folder*, oldest first."""
    return [describe(each) for each in sorted(folder.glob(f"*{SUFFIX}"))]


def find(folder: Path, name: str) -> Path:
    """Return the snapshot *name* in *folder*.

    Raises:
        RefusedError: If there is none.
    """
    for path in folder.glob(f"*{SUFFIX}"):
        if path.name == name:
            return path
    raise missing(f"Snapshot {name} not found")


def delete(path: Path) -> None:
    """Delete a snapshot and its checksum."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + CHECKSUM).unlink(missing_ok=True)


def new_name(collection: str) -> str:
    """Return a name for a new snapshot that no other has."""
    moment = datetime.now(UTC).strftime("%Y-%m-%d-%H-%M-%S-%f")
    return f"{collection[:50]}-{moment}{SUFFIX}"


def pack(record: Any, shard: Path, target: Path) -> None:
    """Write *record* and the quiet folder *shard* as snapshot *target*: whole, or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid4().hex}")
    try:
        with temporary.open("xb") as raw:
            hashing = _Hashing(raw)
            file = cast("IO[bytes]", hashing)  # as much of one as tarfile needs
            with tarfile.TarFile(fileobj=file, mode="w", copybufsize=CHUNK) as archive:
                add_tree(archive, shard, SHARD)
                archive.add(_recorded(record, shard.parent), RECORD)
        write_atomically(target.with_name(target.name + CHECKSUM), hashing.hexdigest().encode())
        temporary.replace(target)
        sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _recorded(record: Any, folder: Path) -> Path:
    path = folder / RECORD
    path.write_bytes(orjson.dumps(asdict(record)))
    return path


class _Hashing:
    """A file being written, hashed on the way."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._sum = raw, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        return self._raw.write(data)

    def tell(self) -> int:
        return self._raw.tell()

    def hexdigest(self) -> str:
        return self._sum.hexdigest()


def size(path: Path) -> int:
    """Return the bytes of a file."""
    return path.stat().st_size


def kept_checksum(path: Path) -> str | None:
    """Return the checksum beside a snapshot, if there is one."""
    beside = path.with_name(path.name + CHECKSUM)
    return beside.read_text() if beside.exists() else None


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    return sha256_of(path)


def verify(path: Path, expected: str | None) -> None:
    """Refuse a snapshot whose SHA-256 is not *expected*."""
    if expected is not None and checksum(path) != expected.lower():
        raise RefusedError(
            400, f"Snapshot checksum mismatch: expected {expected}, actual {checksum(path)}"
        )


def unpack(path: Path, target: Path) -> Any:
    """Unpack the snapshot at *path* into the new folder *target*; return its record.

    Raises:
        RefusedError: If it is no snapshot of ours.
    """
    target.mkdir()
    try:
        with tarfile.open(path, "r:") as archive:
            # An older Python has neither filters nor the argument for them: `_ours` suffices.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(target, members=_ours(archive))  # noqa: S202 - judged one by one
        return orjson.loads((target / RECORD).read_bytes())
    except (tarfile.TarError, OSError, EOFError, orjson.JSONDecodeError) as error:
        raise wrong(f"{path.name} is not a snapshot of the embedded vector engine") from error


def _ours(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members of *archive* as files and folders of ours, none outside its folder."""
    for member in archive:
        parts = member.name.split("/")
        inside = parts[0] == SHARD and ".." not in parts
        if not (member.name == RECORD or inside) or not (member.isfile() or member.isdir()):
            raise wrong(f"a snapshot does not contain {member.name!r}")
        member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
        member.mode = 0o700 if member.isdir() else 0o600
        yield member


@contextmanager
def workspace(tmp: Path) -> Iterator[Path]:
    """Lend a path in *tmp* for a folder that is gone afterwards."""
    path = tmp / uuid4().hex
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def copy_shard(source: Path, target: Path) -> None:
    """Copy a quiet shard into the new folder *target*."""
    target.mkdir()
    copy_tree(source, target / SHARD)
