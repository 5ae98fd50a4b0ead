# SPDX-License-Identifier: Apache-2.0
"""One collection: a folder with a record of what it is, and the shard that the record names.

    collection.json    name, configuration, payload indexes, which shard is in force
    shard-<id>/        the engine's directory; others of that name are leftovers

The record is written before the engine is told, so after a crash the engine is brought to what
the record says. Everything here runs on the event loop: between two `await` nothing else happens.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from beast_ops.files import write_atomically

from . import indexes, points, space
from .config import Config, read_config
from .edge import Shard, engine
from .errors import RefusedError, missing

RECORD = "collection.json"
FORMAT = 1
JOURNAL = 1024  # operations kept for replay, about half a gigabyte; with more we wait for quiet


@dataclass(frozen=True, slots=True)
class Record:
    """What collection.json says."""

    name: str
    config: Mapping[str, Any]
    indexes: Mapping[str, Any] = field(default_factory=dict)
    shard: str = "shard-0"
    optimized: int = 0  # points there were after the last optimisation
    format: int = FORMAT

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Return the record of the collection in *folder*."""
        return cls(**orjson.loads((folder / RECORD).read_bytes()))

    def write(self, folder: Path) -> None:
        """Make this the record of the collection in *folder*, durably and at once."""
        write_atomically(folder / RECORD, orjson.dumps(self))


async def breathe() -> None:
    """Let everybody else who waits have a turn."""
    await asyncio.sleep(0)


class Collection:
    """A collection that is there; its shard is opened when first needed."""

    def __init__(self, folder: Path, record: Record) -> None:
        """Serve the collection in *folder*."""
        self.folder, self.record = folder, record
        self.config: Config = read_config(record.config)
        self.lock = asyncio.Lock()  # held by whoever writes
        self.journal: list[engine.UpdateOperation] | None = None  # kept while a copy is optimised
        self.fresh = 0  # points written since the last optimisation
        self.written = self.dirty_since = 0.0  # when, on the monotonic clock
        self.unflushed = False
        self.gone = False
        self._shard: Shard | None = None
        self._numbers = itertools.count()

    @classmethod
    def create(cls, folder: Path, name: str, body: Mapping[str, Any]) -> None:
        """Make a new collection in the empty *folder*, complete when this returns."""
        record = Record(name, body)
        Shard.create(folder / record.shard, read_config(body).engine).close()
        record.write(folder)

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.record.name

    @property
    def path(self) -> Path:
        """The directory of the shard in force."""
        return self.folder / self.record.shard

    @property
    def open(self) -> bool:
        """Whether the shard is open already."""
        return self._shard is not None

    @property
    def shard(self) -> Shard:
        """The open shard.

        Raises:
            RefusedError: If the collection was deleted meanwhile, or cannot be opened.
        """
        if self.gone:
            raise missing(f"Collection `{self.name}` doesn't exist!")
        if self._shard is None:
            self._shard = self._load()
        return self._shard

    def _load(self) -> Shard:
        for other in self.folder.glob("shard-*"):
            if other != self.path:
                shutil.rmtree(other)
        shard = Shard.load(self.path, self.config.engine)
        self._reconcile(shard)
        self.fresh = abs(shard.info().points_count - self.record.optimized)
        return shard

    def _reconcile(self, shard: Shard) -> None:
        """Give the shard exactly the payload indexes of the record."""
        there = shard.info().payload_schema
        for name in there.keys() - self.record.indexes.keys():
            shard.update(engine.UpdateOperation.delete_field_index(name))
        for name in self.record.indexes.keys() - there.keys():
            shard.update(indexes.operation(name, self.record.indexes[name]))

    async def write(self, kind: str, body: Any) -> int:
        """Do one writing call and return its number; what it wrote survives a kill from now on.

        Raises:
            RefusedError: If the body is wrong; nothing is written then.
        """
        return await self.write_all([(kind, body)])

    async def write_all(self, calls: list[tuple[str, Any]]) -> int:
        """Do several writing calls in order, all judged before the first is done."""
        self.require_writable()
        operations = []
        for kind, body in calls:
            for step in points.READERS[kind](body, self.config.schema):
                if step is None:
                    await breathe()
                else:
                    operations.append(step)
        async with self.lock:
            for number, operation in enumerate(operations):
                if number:
                    await breathe()
                self.apply(operation)
        self.fresh += points.weight(calls)
        return next(self._numbers)

    def require_writable(self) -> None:
        """Refuse to write if the collection is gone or the disk full."""
        self.shard  # noqa: B018 - refuses if the collection is gone
        space.require(self.folder)

    def apply(self, operation: engine.UpdateOperation) -> None:
        """Give one operation to the engine, and to the journal if one is kept."""
        shard = self.shard
        if self.journal is not None and len(self.journal) <= JOURNAL:  # one more tells of the rest
            self.journal.append(operation)
        self.written = time.monotonic()
        if not self.unflushed:
            self.unflushed, self.dirty_since = True, self.written
        shard.update(operation)

    async def set_index(self, name: str, schema: Any) -> int:
        """Create the payload index *name*, or drop it where *schema* is None."""
        self.require_writable()
        operation = indexes.operation(name, schema)
        async with self.lock:
            self.shard  # noqa: B018 - refuses if the collection is gone
            kept = {key: each for key, each in self.record.indexes.items() if key != name}
            self.rewrite(indexes=kept if schema is None else kept | {name: schema})
            self.apply(operation)
        return next(self._numbers)

    async def reconfigure(self, body: Mapping[str, Any]) -> None:
        """Go on under another configuration of the same vectors."""
        config = read_config(body)
        async with self.lock:
            self.shard.close()
            self._shard = None
            try:
                self._shard = Shard.load(self.path, config.engine)
            except RefusedError:
                self._shard = Shard.load(self.path, self.config.engine)
                raise
            self.rewrite(config=body)
            self.config = config

    def rewrite(self, **changes: Any) -> None:
        """Change the record, durably."""
        record = replace(self.record, **changes)
        record.write(self.folder)
        self.record = record

    def fresh_name(self) -> str:
        """Return the name of a folder for another shard of this collection."""
        return f"shard-{uuid4().hex}"

    def swap(self, name: str, shard: Shard, **changes: Any) -> Callable[[], None]:
        """Put *shard*, of folder *name*, in force, with other *changes*; only under the lock.

        Returns:
            What is left to do, in a thread: removing the folder of the former shard.
        """
        former, path = self.shard, self.path
        changes.setdefault("optimized", shard.info().points_count)
        self.rewrite(shard=name, **changes)
        self.config = read_config(self.record.config)
        self._shard = shard
        former.close()
        return functools.partial(shutil.rmtree, path, ignore_errors=True)

    def flush(self) -> None:
        """Write everything to disk."""
        if self._shard is not None and self.unflushed:
            self._shard.flush()
            self.unflushed = False

    def close(self) -> None:
        """Flush and let go of the shard."""
        if self._shard is not None:
            self._shard.close()
            self._shard = None
