# SPDX-License-Identifier: Apache-2.0
import asyncio
import os
import stat

import pytest

from beast_ops.vectors import collection, optimizing, upkeep
from beast_ops.vectors.metrics import Metrics
from beast_ops.vectors.optimizing import AbandonedError, optimize
from beast_ops.vectors.store import Store
from beast_ops.vectors.upkeep import Upkeep

SMALL = {"vectors": {"size": 2, "distance": "Dot"}, "optimizers_config": {"indexing_threshold": 1}}


def points(*ids):
    return {"points": [{"id": n, "vector": [n, 1]} for n in ids]}


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path / "vectors")
    found.create("docs", SMALL)
    yield found
    found.close()


@pytest.fixture
def docs(store):
    found = store.find("docs")
    asyncio.run(found.write("upsert", points(*range(3000))))
    return found


def child(tmp_path, monkeypatch, script):
    """Put *script* in the place of the child."""
    path = tmp_path / "child"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(optimizing.sys, "executable", os.fspath(path))


def folders(collection):
    return sorted(each.name for each in collection.folder.glob("shard-*"))


def test_the_optimised_copy_takes_the_place_of_the_shard(docs):
    before = docs.record.shard

    asyncio.run(optimize(docs))

    assert docs.record.shard != before
    assert folders(docs) == [docs.record.shard]
    assert docs.shard.info().points_count == 3000
    assert docs.shard.info().indexed_vectors_count >= 2900
    assert (docs.fresh, docs.journal, docs.record.optimized) == (0, None, 3000)


def test_what_is_written_meanwhile_is_in_the_copy(docs):
    async def scene():
        optimising = asyncio.create_task(optimize(docs))
        n = 0
        while not optimising.done():
            await docs.write("upsert", points(10_000 + n))
            await docs.write("delete", {"points": [n]})
            n += 1
            await asyncio.sleep(0.001)
        await optimising
        return n

    n = asyncio.run(scene())

    assert n > 3
    assert docs.shard.info().points_count == 3000
    assert docs.fresh >= 0


def test_what_was_put_back_before_the_copy_is_not_undone_by_it(docs, monkeypatch):
    """A snapshot may take the shard's place while the child starts; the former is still there."""
    expected = optimizing._expect

    async def put_back(child, word, seconds):
        await expected(child, word, seconds)
        if word == b"ready":
            name = docs.fresh_name()
            other = collection.Shard.create(docs.folder / name, docs.config.engine)
            async with docs.lock:
                docs.swap(name, other)  # what it left to do, removing the former, is late

    monkeypatch.setattr(optimizing, "_expect", put_back)

    with pytest.raises(AbandonedError, match="replaced"):
        asyncio.run(optimize(docs))

    assert 0 == docs.shard.info().points_count


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exit 1", "before it said ready"),
        ("echo ready; exit 1", "before it said copied"),
        ("echo ready; read go; echo copied; exit 1", "before it said done"),
        ("echo nonsense; exec sleep 60", "before it said ready"),
    ],
)
def test_a_child_that_fails_changes_nothing(tmp_path, monkeypatch, docs, script, complaint):
    child(tmp_path, monkeypatch, script)
    before = docs.record

    with pytest.raises(AbandonedError, match=complaint):
        asyncio.run(optimize(docs))
    asyncio.run(docs.write("upsert", points(5000)))

    assert docs.record == before
    assert folders(docs) == [before.shard]
    assert docs.journal is None
    assert docs.fresh >= 3000
    assert docs.shard.info().points_count == 3001


@pytest.mark.parametrize(
    ("limit", "script"),
    [
        ("READY_SECONDS", "exec sleep 60"),
        ("COPY_SECONDS", "echo ready; read go; exec sleep 60"),
        ("CHILD_SECONDS", "echo ready; read go; echo copied; exec sleep 60"),
    ],
)
def test_a_child_that_hangs_is_ended(tmp_path, monkeypatch, docs, limit, script):
    child(tmp_path, monkeypatch, script)
    monkeypatch.setattr(optimizing, limit, 0.2)

    with pytest.raises(AbandonedError, match="in time"):
        asyncio.run(optimize(docs))

    assert not docs.lock.locked()


def test_too_much_written_meanwhile_waits_for_quiet(monkeypatch, docs):
    monkeypatch.setattr(optimizing, "JOURNAL", 1)

    async def scene():
        optimising = asyncio.create_task(optimize(docs))
        n = 0
        while not optimising.done():
            await docs.write("upsert", points(10_000 + n))
            n += 1
            await asyncio.sleep(0.01)
        await optimising

    with pytest.raises(AbandonedError, match="too much"):
        asyncio.run(scene())

    assert folders(docs) == [docs.record.shard]


def test_the_journal_stops_growing_once_it_is_too_long(monkeypatch, docs):
    monkeypatch.setattr(collection, "JOURNAL", 2)
    docs.journal = []

    for n in range(5):
        asyncio.run(docs.write("upsert", points(10_000 + n)))

    assert 3 == len(docs.journal)
    assert 3005 == docs.shard.info().points_count


@pytest.mark.parametrize("event", ["deleted", "reconfigured"])
def test_a_collection_that_changes_meanwhile_wins(store, docs, event):
    before = docs.record.shard

    async def scene():
        optimising = asyncio.create_task(optimize(docs))
        while docs.journal is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        if event == "deleted":
            await store.delete("docs")
        else:
            await docs.reconfigure(SMALL | {"hnsw_config": {"m": 8}})
        await optimising

    with pytest.raises(AbandonedError):
        asyncio.run(scene())

    assert docs.record.shard == before
    assert docs.gone == (event == "deleted")
    assert docs.folder.exists() == (event != "deleted")


async def for_a_while(seconds, task):
    try:
        await asyncio.wait_for(task, seconds)
    except TimeoutError:
        return


def test_upkeep_flushes_and_optimises_by_itself(monkeypatch, store, docs):
    monkeypatch.setattr(upkeep, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(upkeep, "QUIET_SECONDS", 0.02)
    before = docs.record.shard

    async def scene():
        task = asyncio.ensure_future(Upkeep(store, Metrics("0"), 10**6).run())
        for _ in range(1000):
            if docs.record.shard != before:
                break
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())

    assert docs.record.shard != before
    assert not docs.unflushed


def test_upkeep_is_patient_after_a_failure(tmp_path, monkeypatch, store, docs, caplog):
    monkeypatch.setattr(upkeep, "TICK_SECONDS", 0.01)
    child(tmp_path, monkeypatch, f"echo x >> {tmp_path}/starts; exit 1")

    asyncio.run(for_a_while(0.5, Upkeep(store, Metrics("0"), 100).run()))

    assert (tmp_path / "starts").read_text() == "x\n"
    assert "optimisation of docs abandoned" in caplog.text
    assert docs.fresh >= 3000


def test_upkeep_outlives_surprises(monkeypatch, store, docs, caplog):
    monkeypatch.setattr(upkeep, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(upkeep, "QUIET_SECONDS", 0)

    def fail():
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(docs, "flush", fail)

    async def scene():
        task = asyncio.ensure_future(Upkeep(store, Metrics("0"), 100).run())
        for _ in range(1000):
            if "optimisation of docs failed" in caplog.text:
                break
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())

    assert "cannot be flushed" in caplog.text
    assert "optimisation of docs failed" in caplog.text
