# SPDX-License-Identifier: Apache-2.0
"""Optimise a collection while it is read and written: copy, child, replay, swap.

The engine's own `optimize` holds the interpreter for seconds. So a child optimises a copy, writes
go on to the shard in force and into a journal, the journal is replayed on the copy, and the record
is switched. Killed at any moment, the shard in force is whole and the copy a leftover.
"""

import asyncio
import logging
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from . import space
from .collection import JOURNAL, Collection, Record, breathe
from .edge import Shard
from .errors import RefusedError

log = logging.getLogger(__name__)

CHILD_SECONDS = 3600.0
COPY_SECONDS = 60.0  # writers wait meanwhile, and their callers lose patience
READY_SECONDS = 30.0


class AbandonedError(Exception):
    """The copy is of no use any more; the shard in force stays."""


async def optimize(collection: Collection) -> None:
    """Put an optimised copy of the collection's shard in force.

    Raises:
        AbandonedError: If the child failed, or the collection changed too much meanwhile.
    """
    space.require(collection.folder, 2 * space.used(collection.path))
    name = collection.fresh_name()
    target = collection.folder / name
    try:
        await _child_and_swap(collection, name, target)
    finally:
        collection.journal = None
        if collection.record.shard != name:
            left = collection.folder if collection.gone else target
            await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)


async def _child_and_swap(collection: Collection, name: str, target: Path) -> None:
    started = collection.record  # of which the child makes a copy
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "beast_ops.vectors.optimizer", collection.path, target),
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        await _expect(child, b"ready", READY_SECONDS)
        async with collection.lock:  # writers wait for the copy, readers do not
            _require_same(collection, started)
            collection.flush()
            copied, collection.journal = collection.fresh, []
            _tell(child)
            await _expect(child, b"copied", COPY_SECONDS)
        await _expect(child, b"done", CHILD_SECONDS)
        await child.wait()
        await _replay_and_swap(collection, started, name, target)
        collection.fresh -= copied
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def _tell(child: Process) -> None:
    assert child.stdin is not None  # noqa: S101 - a pipe was asked for
    child.stdin.write(b"go\n")


async def _expect(child: Process, word: bytes, seconds: float) -> None:
    assert child.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        said = await asyncio.wait_for(child.stdout.readline(), seconds)
    except TimeoutError as late:
        raise AbandonedError(f"the optimiser did not say {word.decode()} in time") from late
    if said.strip() != word:
        raise AbandonedError(f"the optimiser ended before it said {word.decode()}")


async def _replay_and_swap(
    collection: Collection, started: Record, name: str, target: Path
) -> None:
    shard, done = Shard.load(target, collection.config.engine), 0
    try:
        done = await _replay(collection, started, shard, done)
        async with collection.lock:  # whoever was writing has finished, others wait
            await _replay(collection, started, shard, done)
            remove = collection.swap(name, shard)
        await asyncio.to_thread(remove)
    except BaseException:
        if collection.record.shard != name:
            shard.close()
        raise


def _require_same(collection: Collection, started: Record) -> None:
    now = collection.record
    if collection.gone or (now.shard, now.config) != (started.shard, started.config):
        raise AbandonedError("the collection was deleted or replaced meanwhile")


async def _replay(collection: Collection, started: Record, shard: Shard, done: int) -> int:
    """Do on *shard* what the journal has from number *done* on; return how far it went."""
    while True:
        _require_same(collection, started)
        journal = collection.journal
        assert journal is not None  # noqa: S101 - for mypy: it is kept until the end of all this
        if len(journal) > JOURNAL:
            raise AbandonedError("too much was written meanwhile")
        if done == len(journal):
            return done
        try:
            shard.update(journal[done])
        except RefusedError as refused:
            if refused.status >= 500:  # noqa: PLR2004 - ours; what the client did fails again alike
                raise AbandonedError(str(refused)) from refused
        done += 1
        await breathe()
