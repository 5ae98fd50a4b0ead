# SPDX-License-Identifier: Apache-2.0
import asyncio
import io
import json
import tarfile

import pytest

from beast_ops.vectors import recovery, snapshots
from beast_ops.vectors.errors import RefusedError
from beast_ops.vectors.store import Store

SMALL = {"vectors": {"size": 2, "distance": "Dot"}}


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path)
    found.create("docs", SMALL)
    asyncio.run(found.find("docs").write("upsert", {"points": [{"id": 1, "vector": [1, 2]}]}))
    yield found
    found.close()


@pytest.fixture
def made(store):
    described = asyncio.run(recovery.create(store, store.find("docs")))
    return snapshots.find(store.snapshots / "docs", described["name"])


def archive(path, **members):
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def test_nothing_is_left_in_the_workspace(store, made):
    assert made.exists()
    assert list(store.tmp.iterdir()) == []
    assert sorted(each.name for each in made.parent.iterdir()) == [
        made.name,
        made.name + ".checksum",
    ]


@pytest.mark.parametrize(
    "members",
    [
        {"collection.json": None},
        {"shard__link": None},
        {"other": b"x"},
        {"shard__..__..__evil": b"x"},
        {"shard__x": b"x"},
        {"collection.json": b"not json"},
    ],
    ids=["link for record", "link in shard", "stranger", "way out", "no record", "no json"],
)
def test_an_archive_of_something_else_is_refused(tmp_path, members):
    path = archive(tmp_path / "bad.snapshot", **members)

    with pytest.raises(RefusedError):
        snapshots.unpack(path, tmp_path / "out")

    assert not (tmp_path / "evil").exists()
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("record", [{}, {"name": "x", "config": {"vectors": {}}}, {"zzz": 1}])
def test_a_record_that_makes_no_sense_is_refused(store, tmp_path, record):
    content = json.dumps(record).encode()
    path = archive(tmp_path / "bad.snapshot", **{"collection.json": content, "shard__x": b""})

    with pytest.raises(RefusedError, match="record"):
        asyncio.run(recovery.recover(store, "new", path, None))

    assert "new" not in store.collections


def test_a_damaged_shard_is_refused_before_it_is_ours(store, tmp_path):
    record = json.dumps({"name": "docs", "config": SMALL}).encode()
    damaged = {"collection.json": record, "shard__edge_config.json": b"nonsense"}
    path = archive(tmp_path / "bad.snapshot", **damaged)

    for name in ("docs", "new"):
        with pytest.raises(RefusedError):
            asyncio.run(recovery.recover(store, name, path, None))

    assert store.find("docs").shard.info().points_count == 1
    assert "new" not in store.collections
    assert len(list((store.root / "collections").iterdir())) == 1


def test_the_checksum_beside_a_snapshot_is_kept_to(store, made):
    with made.open("r+b") as file:
        file.seek(50)
        file.write(b"rot")
    path, checksum = recovery.read_location(store, {"location": made.as_uri()})

    with pytest.raises(RefusedError, match="checksum mismatch"):
        asyncio.run(recovery.recover(store, "docs", path, checksum))


def test_a_snapshot_is_unpacked_by_a_python_whose_archives_know_no_filter(
    made, tmp_path, monkeypatch
):
    real = tarfile.TarFile.extractall

    def older(self, path=".", members=None, *, numeric_owner=False):
        return real(self, path, members, numeric_owner=numeric_owner)

    monkeypatch.setattr(tarfile.TarFile, "extractall", older)  # as it was until Python 3.11.3

    assert snapshots.unpack(made, tmp_path / "there")
    assert any((tmp_path / "there" / snapshots.SHARD).iterdir())


def test_a_link_out_of_the_folder_is_not_followed(store):
    link = store.snapshots / "docs" / "link.snapshot"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("/etc/passwd")

    with pytest.raises(RefusedError) as refused:
        recovery.read_location(store, {"location": link.as_uri()})

    assert refused.value.status == 403


@pytest.mark.parametrize("name", ["../lock", "..", "nothing.snapshot", ".hidden"])
def test_only_snapshots_are_found_by_name(made, name):
    with pytest.raises(RefusedError, match="not found"):
        snapshots.find(made.parent, name)
