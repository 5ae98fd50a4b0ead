# SPDX-License-Identifier: Apache-2.0
"""All collections of one data directory, and their aliases.

lock              held by the one process that serves this directory
aliases.json      alias → collection
collections/<id>/ one folder per collection; `.new-…` and `.gone-…` are leftovers of a crash
snapshots/<name>/ snapshots, per collection
tmp/              emptied at start
"""

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from beast_ops import locks
from beast_ops.errors import BusyError
from beast_ops.files import sync_folder

from . import space
from .aliases import Aliases
from .collection import RECORD, Collection, Record, breathe
from .config import read_config
from .errors import conflict, missing, wrong

log = logging.getLogger(__name__)

FORBIDDEN = frozenset('<>:"/\\|?*\0\x1f')  # in names, as on a Qdrant server
MAX_NAME = 255


class Store:
    """The collections of a directory; only one process at a time has it."""

    def __init__(self, root: Path) -> None:
        """Take possession of *root* and clear away what a crash left.

        Raises:
            BusyError: If another process serves it.
        """
        self.root = root
        self.snapshots, self.tmp = root / "snapshots", root / "tmp"
        self._home = root / "collections"
        root.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(root / "lock")
        shutil.rmtree(self.tmp, ignore_errors=True)
        for folder in (self._home, self.snapshots, self.tmp):
            folder.mkdir(exist_ok=True)
        self.collections = dict(self._found())
        self.aliases = Aliases(root / "aliases.json", self.collections)

    def _found(self) -> list[tuple[str, Collection]]:
        found = []
        for folder in sorted(self._home.iterdir()):
            # The record is there before a folder gets its name; who wrote on in a deleted
            # collection, as an optimiser may, has made its folder again without one.
            if folder.name.startswith(".") or not (folder / RECORD).exists():
                shutil.rmtree(folder)
            else:
                record = Record.read(folder)
                found.append((record.name, Collection(folder, record)))
        return found

    @property
    def ready(self) -> bool:
        """Whether every collection is open."""
        return all(each.open for each in self.collections.values())

    async def open_all(self) -> None:
        """Open every collection, others being served in between."""
        for collection in list(self.collections.values()):
            try:
                collection.shard  # noqa: B018 - opens it
            except Exception:
                log.exception("collection %s cannot be opened", collection.name)
            await breathe()

    def find(self, name: str) -> Collection:
        """Return the collection called *name*, or the one that alias stands for.

        Raises:
            RefusedError: If there is neither.
        """
        found = self.collections.get(self.aliases.get(name, name))
        if found is None:
            raise missing(f"Collection `{name}` doesn't exist!")
        return found

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a collection; after a crash it is there entirely or not at all.

        Raises:
            RefusedError: If the name is taken or impossible, or the body is wrong.
        """
        self.claim(name)
        read_config(body)
        space.require(self.root)
        fresh = self.folder_for_new()
        try:
            Collection.create(fresh, name, body)
            self.adopt(fresh)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise

    def claim(self, name: str) -> None:
        """Refuse the name of a new collection if it is taken or impossible."""
        judge_name(name)
        if name in self.collections:
            raise conflict(f"Collection `{name}` already exists!")
        if name in self.aliases:
            raise wrong(
                f"Can't create collection with name {name}. Alias with the same name already exists"
            )

    def folder_for_new(self) -> Path:
        """Return a fresh folder that a crash would clear away."""
        fresh = self._home / f".new-{uuid4().hex}"
        fresh.mkdir()
        return fresh

    def adopt(self, fresh: Path) -> Collection:
        """Make the complete collection in *fresh* one of ours."""
        folder = self._home / fresh.name.removeprefix(".new-")
        fresh.rename(folder)
        sync_folder(self._home)
        collection = Collection(folder, Record.read(folder))
        self.collections[collection.name] = collection
        collection.shard  # noqa: B018 - opens it: one that nobody used yet is as ready as the others
        return collection

    async def delete(self, name: str) -> bool:
        """Delete a collection and its aliases; return whether it was there."""
        collection = self.collections.get(name)
        if collection is None:
            return False
        async with collection.lock:
            if collection.gone:
                return False
            self._discard(collection)
            self.aliases.forget(name)
        return True

    def _discard(self, collection: Collection) -> None:
        gone = self._home / f".gone-{collection.folder.name}"
        collection.folder.rename(gone)
        sync_folder(self._home)
        collection.gone = True
        self.collections.pop(collection.name)
        collection.close()
        shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        """Flush and close everything, and let the next process have the directory."""
        for collection in self.collections.values():
            collection.close()
        os.close(self._lock)


def judge_name(name: str) -> None:
    """Refuse a collection's name that a Qdrant server would refuse."""
    if not 1 <= len(name.encode()) <= MAX_NAME:
        raise wrong(f"Collection name must have 1 to {MAX_NAME} bytes")
    if name in {".", ".."}:
        raise wrong(f"Collection name cannot be {name!r}")
    if bad := FORBIDDEN & set(name):
        raise wrong(f"Collection name cannot contain {min(bad)!r} char")


def _lock(path: Path) -> int:
    handle = locks.take(path)
    if handle is None:
        raise BusyError(
            "another process serves these vectors",
            subject=str(path.parent),
            hint="Stop it first, or give this one a directory of its own.",
        )
    return handle
