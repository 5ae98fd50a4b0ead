# SPDX-License-Identifier: Apache-2.0
"""Snapshots made from collections, and collections made from snapshots."""

import asyncio
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from . import snapshots, space
from .collection import Collection, Record
from .config import read_config
from .edge import Shard
from .errors import RefusedError, forbidden, missing, unsupported, wrong
from .fields import Fields
from .store import Store, judge_name

PRIORITIES = {name: name for name in ("no_sync", "snapshot", "replica")}  # one copy: all the same


def folder(store: Store, collection: str) -> Path:
    """Return where the snapshots of a collection are."""
    return store.snapshots / collection


async def create(store: Store, collection: Collection) -> dict[str, Any]:
    """Make a snapshot; writers wait while the shard is copied, readers never."""
    target = folder(store, collection.name) / snapshots.new_name(collection.name)
    collection.shard  # noqa: B018 - refuses if the collection cannot be opened
    space.require(store.root, 2 * space.used(collection.path))
    with snapshots.workspace(store.tmp) as work:
        async with collection.lock:
            collection.shard  # noqa: B018 - refuses if the collection is gone
            collection.flush()
            record = collection.record
            await asyncio.to_thread(snapshots.copy_shard, collection.path, work)
        await asyncio.to_thread(snapshots.pack, record, work / snapshots.SHARD, target)
    return snapshots.describe(target)


def read_location(store: Store, body: Any) -> tuple[Path, str | None]:
    """Return the file and the checksum that a recovery's body names.

    Raises:
        RefusedError: If it names anything but a file in the snapshots' folder.
    """
    fields = Fields(body, "")
    location, checksum = fields.need("location", str), fields.take("checksum", str)
    fields.choice("priority", PRIORITIES)
    fields.take("api_key", str)  # for a download, which is refused below
    fields.done()
    parts = urlsplit(location)
    if parts.scheme != "file":
        raise unsupported("recovery from a URL other than file://")
    path = Path(unquote(parts.path)).resolve()
    if parts.netloc not in {"", "localhost"} or not path.is_relative_to(store.snapshots.resolve()):
        raise forbidden("the snapshot is not in the snapshots directory")
    if not path.is_file():
        raise missing(f"Snapshot file {path.name} does not exist")
    return path, checksum or snapshots.kept_checksum(path)


async def recover(store: Store, name: str, path: Path, checksum: str | None) -> None:
    """Make collection *name* what the snapshot at *path* says; made if it is not there.

    After a crash it is entirely as before, or entirely as in the snapshot.

    Raises:
        RefusedError: If the snapshot is damaged, or has other vectors than the collection.
    """
    judge_name(name)
    space.require(store.root, snapshots.size(path))
    with snapshots.workspace(store.tmp) as work:
        await asyncio.to_thread(snapshots.verify, path, checksum)
        content = await asyncio.to_thread(snapshots.unpack, path, work)
        record = _record(content)
        there = store.collections.get(store.aliases.get(name, name))
        if there is None:
            await _create(store, name, record, work)
        else:
            await _replace(there, record, work)


def _record(content: Any) -> Record:
    try:
        record = Record(**content)
        read_config(record.config)
    except (TypeError, RefusedError) as error:
        raise wrong("the snapshot's record is not one of ours") from error
    return record


async def _create(store: Store, name: str, record: Record, work: Path) -> None:
    fresh = store.folder_for_new()
    new = Record(name, record.config, record.indexes, optimized=record.optimized)
    try:
        (work / snapshots.SHARD).rename(fresh / new.shard)
        Shard.load(fresh / new.shard).close()  # refuses a damaged one before it is ours
        new.write(fresh)
        store.claim(name)
        store.adopt(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


async def _replace(collection: Collection, record: Record, work: Path) -> None:
    ours, theirs = collection.config.schema, read_config(record.config).schema
    if ours != theirs:
        raise wrong("Snapshot is not compatible with existing collection: other vectors")
    name = collection.fresh_name()
    target = collection.folder / name
    (work / snapshots.SHARD).rename(target)
    try:
        shard = Shard.load(target)
    except RefusedError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    async with collection.lock:
        changes = {key: getattr(record, key) for key in ("config", "indexes", "optimized")}
        remove = collection.swap(name, shard, **changes)
        collection.fresh = abs(shard.info().points_count - record.optimized)
    await asyncio.to_thread(remove)
