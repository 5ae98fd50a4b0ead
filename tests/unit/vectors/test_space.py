# SPDX-License-Identifier: Apache-2.0
import asyncio
from types import SimpleNamespace

import pytest

from beast_ops.vectors import space
from beast_ops.vectors.errors import RefusedError
from beast_ops.vectors.store import Store
from beast_ops.vectors.uploads import receive

SMALL = {"vectors": {"size": 2, "distance": "Dot"}}


@pytest.fixture
def disk(monkeypatch):
    state = SimpleNamespace(free=10**12)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: state)
    return state


def test_writing_stops_before_the_disk_is_full(tmp_path, disk):
    store = Store(tmp_path)
    store.create("docs", SMALL)
    disk.free = space.RESERVE - 1

    with pytest.raises(RefusedError, match="disk is full") as refused:
        asyncio.run(store.find("docs").write("upsert", {"points": [{"id": 1, "vector": [1, 2]}]}))
    with pytest.raises(RefusedError, match="disk is full"):
        store.create("more", SMALL)
    deleted = asyncio.run(store.delete("docs"))

    assert refused.value.status == 507
    assert deleted
    store.close()


def test_what_is_asked_for_must_fit_beside_the_reserve(tmp_path, disk):
    disk.free = space.RESERVE + 100

    space.require(tmp_path, 100)
    with pytest.raises(RefusedError):
        space.require(tmp_path, 101)


def test_holes_occupy_nothing(tmp_path):
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "data").write_bytes(b"x" * 5000)

    assert 5000 <= space.used(tmp_path) < 100_000


def test_an_upload_ends_before_the_disk_is_full(tmp_path, disk):
    async def body():
        for _ in range(3):
            yield b"x"
            disk.free = space.RESERVE

    with pytest.raises(RefusedError, match="disk is full"):
        asyncio.run(receive(body(), tmp_path / "body"))

    assert 1 == (tmp_path / "body").stat().st_size
