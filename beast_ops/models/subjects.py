# SPDX-License-Identifier: Apache-2.0
"""What versions are kept of: a model's file, or a model in the store of an Ollama."""

import glob
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from beast_ops.errors import ConflictError, MissingError, ModelError
from beast_ops.files import sync_folder, write_atomically
from beast_ops.hashing import hash_files

from .linking import NAME, give
from .manifests import Stored, parse, path_of, read_manifest
from .names import full
from .shelf import HALF, Part, Shelf, Version

MANIFEST_MODE = 0o644  # as Ollama makes them


class Subject(Protocol):
    """Something whose versions are kept."""

    kind: str

    @property
    def model(self) -> str:
        """What its versions are listed under."""
        ...

    def parts(self) -> list[tuple[Path, Part]]:
        """Return its files with what is in them, what names the version first.

        Raises:
            MissingError: If it is not there.
            ModelError: If it is damaged.
            ConflictError: If it is being changed.
        """
        ...

    def keep(self, shelf: Shelf, parts: list[tuple[Path, Part]]) -> None:
        """Have its contents on *shelf*."""
        ...

    def restore(self, shelf: Shelf, version: Version) -> None:
        """Be *version* from now on, in one step."""
        ...


class FileSubject:
    """A model that is one file."""

    kind = "file"

    def __init__(self, path: Path) -> None:
        """Keep versions of the file at *path*."""
        self._path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links

    @property
    def model(self) -> str:
        """Its path."""
        return str(self._path)

    def parts(self) -> list[tuple[Path, Part]]:
        """Return the file with what is in it.

        Raises:
            MissingError: If it is not there.
        """
        if self._path.is_symlink() or not self._path.is_file():
            raise MissingError("there is no such file", subject=self.model)
        return list(_summed([self._path]))

    def keep(self, shelf: Shelf, parts: list[tuple[Path, Part]]) -> None:
        """Have the file on *shelf*."""
        for path, part in parts:
            shelf.take(path, part.sha256)

    def restore(self, shelf: Shelf, version: Version) -> None:
        """Have the content of *version* in its place, by one rename."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        half = glob.escape(f"{HALF}-{self._path.name}"[:NAME])
        _tidy(self._path.parent, half)
        give(shelf.blob(version.sha256), self._path, HALF)
        sync_folder(self._path.parent)


class StoreSubject:
    """A model in the store of an Ollama: a manifest, and the blobs that it names.

    The manifest is written anew, not shared: Ollama writes into it when a model is pulled again.
    """

    kind = "ollama"

    def __init__(self, root: Path, name: str) -> None:
        """Keep versions of the model *name* in the store at *root*.

        Raises:
            ModelError: If that is no name of a model.
        """
        self._root, self._name = root, full(name)
        self._manifest = root / "manifests" / path_of(self._name)

    @property
    def model(self) -> str:
        """Its name, with its tag."""
        return self._name

    def parts(self) -> list[tuple[Path, Part]]:
        """Return manifest and blobs with what is in them.

        Raises:
            MissingError: If there is no such model.
            ModelError: If a part of it is missing, or damaged.
        """
        stored = self._stored()
        paths = [self._root / "blobs" / blob.file for blob in stored.blobs]
        try:
            found = list(_summed(paths))
        except MissingError as missing:
            raise ModelError(
                "a part of this model is missing", subject=f"{self._name}: {missing.subject}"
            ) from missing
        for blob, (path, part) in zip(stored.blobs, found, strict=True):
            if blob.sha256 != part.sha256:
                raise ModelError(
                    "a part of this model is damaged",
                    subject=f"{self._name}: {path}",
                    hint=f"Pull it again: ./beast models.pull {self._name}",
                )
        sha256 = hashlib.sha256(stored.content).hexdigest()
        return [(self._manifest, Part(sha256, len(stored.content))), *found]

    def _stored(self) -> Stored:
        try:
            return read_manifest(self._manifest, self._name)
        except FileNotFoundError as missing:
            raise MissingError(
                "the model server does not have this model", subject=self._name
            ) from missing

    def keep(self, shelf: Shelf, parts: list[tuple[Path, Part]]) -> None:
        """Have manifest and blobs on *shelf*."""
        (manifest, first), *blobs = parts
        for path, part in blobs:
            shelf.take(path, part.sha256)
        content = manifest.read_bytes()
        if hashlib.sha256(content).hexdigest() != first.sha256:
            raise _changing(manifest)
        if not shelf.blob(first.sha256).exists():
            write_atomically(shelf.blob(first.sha256), content)

    def restore(self, shelf: Shelf, version: Version) -> None:
        """Have the blobs in the store, then name them by one rename."""
        content = shelf.blob(version.sha256).read_bytes()
        blobs = self._root / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)
        _tidy(blobs, f"{HALF}-*")
        known = dict(self._here(content))
        for blob in parse(content, self._name):
            target = blobs / blob.file
            if known.get(target, Part("", 0)).sha256 != blob.sha256:
                give(shelf.blob(blob.sha256), target, HALF)
        sync_folder(blobs)
        self._manifest.parent.mkdir(parents=True, exist_ok=True)
        _tidy(self._manifest.parent, f".{self._manifest.name}.*")
        status = self._manifest.parent.stat()
        owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
        write_atomically(self._manifest, content, MANIFEST_MODE, owner)

    def _here(self, content: bytes) -> Iterator[tuple[Path, Part]]:
        paths = [self._root / "blobs" / blob.file for blob in parse(content, self._name)]
        yield from _summed([path for path in paths if path.is_file()])


def _summed(paths: list[Path]) -> Iterator[tuple[Path, Part]]:
    """Yield each of *paths*, in their order, with what is in it."""
    before = {path: _state(path) for path in paths}
    found = {done.path: done for done in hash_files(paths)}
    for path in paths:
        done = found[path]
        if done.error is not None:
            raise ModelError(
                f"this file cannot be read: {done.error.strerror}", subject=str(path)
            ) from done.error
        if _state(path) != before[path] or done.size != before[path][0]:
            raise _changing(path)
        yield path, Part(done.sha256, done.size)


def _tidy(folder: Path, names: str) -> None:
    """Take away what an interrupted change left in *folder*."""
    for path in folder.glob(names):
        path.unlink(missing_ok=True)


def _state(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except FileNotFoundError as missing:
        raise MissingError("there is no such file", subject=str(path)) from missing
    return status.st_size, status.st_mtime_ns, status.st_ino


def _changing(path: Path) -> ConflictError:
    return ConflictError(
        "this file is being changed", subject=str(path), hint="Try again when that is done."
    )
