# SPDX-License-Identifier: Apache-2.0
import asyncio
import json

import pytest

from beast_ops.errors import BusyError
from beast_ops.vectors.aliases import Aliases
from beast_ops.vectors.collection import Collection
from beast_ops.vectors.errors import RefusedError
from beast_ops.vectors.store import Store, judge_name

SMALL = {"vectors": {"size": 2, "distance": "Dot"}}


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path)
    yield found
    found.close()


def write(store, name, *ids):
    points = [{"id": n, "vector": [n, 1]} for n in ids]
    asyncio.run(store.find(name).write("upsert", {"points": points}))


def count(store, name):
    return store.find(name).shard.info().points_count


def test_a_collection_is_there_again_after_reopening(tmp_path):
    first = Store(tmp_path)
    first.create("docs", SMALL)
    write(first, "docs", 1, 2)
    first.close()

    second = Store(tmp_path)
    found = count(second, "docs")
    second.close()

    assert found == 2


def test_what_was_written_for_a_collection_after_it_was_deleted_is_cleared_away(tmp_path):
    first = Store(tmp_path)
    first.create("docs", SMALL)
    first.close()
    late = tmp_path / "collections" / "deleted" / "shard-1"
    late.mkdir(parents=True)

    second = Store(tmp_path)
    names = list(second.collections)
    second.close()

    assert ["docs"] == names
    assert not late.parent.exists()


def test_a_second_store_on_the_same_folder_is_busy(store):
    with pytest.raises(BusyError, match="another process"):
        Store(store.root)


def test_a_creation_that_fails_leaves_nothing(store, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Collection, "create", fail)

    with pytest.raises(OSError, match="No space"):
        store.create("docs", SMALL)

    assert list((store.root / "collections").iterdir()) == []
    assert store.collections == {}


def test_readiness_comes_with_the_last_collection(tmp_path):
    first = Store(tmp_path)
    first.create("one", SMALL)
    first.create("two", SMALL)
    first.close()
    second = Store(tmp_path)
    before = second.ready

    asyncio.run(second.open_all())

    assert (before, second.ready) == (False, True)
    second.close()


def test_a_damaged_collection_does_not_take_the_others_along(tmp_path, caplog):
    first = Store(tmp_path)
    first.create("good", SMALL)
    first.create("bad", SMALL)
    config = first.find("bad").path / "edge_config.json"
    first.close()
    config.write_text("nonsense")
    second = Store(tmp_path)

    asyncio.run(second.open_all())
    with pytest.raises(RefusedError) as refused:
        count(second, "bad")

    assert count(second, "good") == 0
    assert "collection bad cannot be opened" in caplog.text
    assert refused.value.status == 500
    second.close()


@pytest.mark.parametrize("there", [True, False], ids=["lost by the engine", "kept by the engine"])
def test_indexes_are_brought_to_what_the_record_says(tmp_path, there):
    first = Store(tmp_path)
    first.create("docs", SMALL)
    record = first.find("docs").folder / "collection.json"
    if not there:
        asyncio.run(first.find("docs").set_index("n", "integer"))
    first.close()
    said = json.loads(record.read_bytes()) | {"indexes": {"n": "integer"} if there else {}}
    record.write_text(json.dumps(said))

    second = Store(tmp_path)
    found = set(second.find("docs").shard.info().payload_schema)
    second.close()

    assert found == ({"n"} if there else set())


def test_deleting_waits_for_the_writer_and_the_next_write_finds_nothing(store):
    store.create("docs", SMALL)
    collection = store.find("docs")

    async def scene():
        many = {"points": [{"id": n, "vector": [n, 1]} for n in range(1000)]}
        writing = asyncio.create_task(collection.write("upsert", many))
        await asyncio.sleep(0)
        deleting = asyncio.create_task(store.delete("docs"))
        late = asyncio.create_task(collection.write("upsert", many))
        return await asyncio.gather(writing, deleting, late, return_exceptions=True)

    written, deleted, late = asyncio.run(scene())

    assert deleted is True
    assert isinstance(written, int | RefusedError)
    assert isinstance(late, RefusedError)
    assert not collection.folder.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0b", "x" * 256, "ü" * 128])
def test_impossible_names_are_refused(name):
    with pytest.raises(RefusedError):
        judge_name(name)


@pytest.mark.parametrize("name", ["a", "docs--1", "with space", "ü" * 127, "...", "a.b"])
def test_other_names_are_fine(name):
    judge_name(name)


def actions(*listed):
    return {"actions": list(listed)}


def make(collection, alias):
    return {"create_alias": {"collection_name": collection, "alias_name": alias}}


def test_a_refused_action_undoes_those_before_it(tmp_path):
    aliases = Aliases(tmp_path / "aliases.json", {"docs--1"})
    aliases.change(actions(make("docs--1", "docs")))

    with pytest.raises(RefusedError):
        aliases.change(actions({"delete_alias": {"alias_name": "docs"}}, make("nothing", "x")))

    assert list(aliases) == [("docs", "docs--1")]
    assert list(Aliases(tmp_path / "aliases.json", {"docs--1"})) == [("docs", "docs--1")]


def test_aliases_of_collections_that_are_gone_are_dropped(tmp_path):
    aliases = Aliases(tmp_path / "aliases.json", {"one", "two"})
    aliases.change(actions(make("one", "a"), make("two", "b")))

    assert list(Aliases(tmp_path / "aliases.json", {"two"})) == [("b", "two")]


@pytest.mark.parametrize("action", [{}, {"x": {}}, {"create_alias": {"alias_name": "a"}}])
def test_a_wrong_action_is_refused(tmp_path, action):
    with pytest.raises(RefusedError):
        Aliases(tmp_path / "aliases.json", {"one"}).change(actions(action))
