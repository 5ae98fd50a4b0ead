# SPDX-License-Identifier: Apache-2.0
"""Names, retention, locked keys, versions, and the real age and restic."""

import io
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops import receipts
from beast_ops.backup import names, rules, shelf
from beast_ops.backup.locking import lock, unlock
from beast_ops.backup.reader import verify
from beast_ops.backup.targets import Target, opened
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.errors import (
    ArchiveError,
    CommandError,
    ConflictError,
    MissingError,
    SettingsError,
)
from beast_ops.place import Place

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def kept(days, proven=""):
    made = NOW - timedelta(days=days)
    return shelf.Kept(names.name_at(made), Path("x"), made, 1, proven)


def test_a_name_is_the_time_in_utc_and_never_taken_twice():
    first = names.name_at(NOW)

    assert "beast_backup_20260131_120000" == first
    assert "beast_backup_20260131_120001" == names.fresh(NOW, {first})
    assert NOW == names.moment_of(f"{first}.tar.zst")
    assert names.moment_of("beast_backup_20261331_120000") is None
    assert names.moment_of("something_else") is None


def test_old_ones_and_those_beyond_the_count_may_go():
    found = [kept(0), kept(1), kept(29), kept(31)]

    assert [found[3]] == shelf.too_many(found, NOW, 30, 60)
    assert found[2:] == shelf.too_many(found, NOW, 30, 2)


@pytest.mark.parametrize("proven", ["drill", "restore", "verify"])
def test_the_newest_that_was_proven_stays_however_old(proven):
    found = [kept(0), kept(100, proven), kept(200, proven)]

    assert [found[2]] == shelf.too_many(found, NOW, 30, 1)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["", "drill", "restore", "verify"]))),
    st.integers(1, 60),
    st.integers(1, 30),
)
def test_never_the_newest_and_never_the_last_one_proven(said, days, count):
    found = sorted((kept(*each) for each in said), key=lambda each: each.made, reverse=True)

    gone = {each.name for each in shelf.too_many(found, NOW, days, count)}

    assert not found or found[0].name not in gone
    restored = [each.name for each in found if each.proven in {"drill", "restore"}]
    assert not restored or restored[0] not in gone


def test_a_backup_is_found_by_name_by_path_and_as_the_newest(tmp_path):
    place = Place(tmp_path)
    with pytest.raises(MissingError, match="no backup yet"):
        shelf.named(place, "newest")
    (tmp_path / "backups").mkdir()
    for day in ("01", "02"):
        (tmp_path / f"backups/beast_backup_202601{day}_000000.tar.zst").touch()
    newest = tmp_path / "backups/beast_backup_20260102_000000.tar.zst"

    assert newest == shelf.named(place, "newest")
    assert newest == shelf.named(place, "beast_backup_20260102_000000")
    assert newest == shelf.named(place, str(newest))
    with pytest.raises(MissingError, match="no such backup"):
        shelf.named(place, "beast_backup_20250102_000000")
    with pytest.raises(MissingError, match="no such file"):
        shelf.named(place, "/nowhere/x")


def test_a_locked_key_opens_with_its_passphrase_alone():
    locked = lock(b"k" * 32, "correct horse battery")

    assert b"k" * 32 == unlock(locked, "correct horse battery")
    assert b"k" * 32 not in locked
    for wrong in (locked[:-1], b"x" + locked[1:], locked[:20] + b"\0" + locked[21:]):
        with pytest.raises(ArchiveError):
            unlock(wrong, "correct horse battery")
    with pytest.raises(ArchiveError, match="does not open"):
        unlock(locked, "another passphrase")
    with pytest.raises(SettingsError, match="at least 12"):
        lock(b"k" * 32, "short")


@pytest.mark.parametrize(
    ("was", "now", "refused"),
    [
        ("v1.19.0", "v1.19.3", False),
        ("v1.19.3", "v1.19.0", False),
        ("v1.18.3", "v1.19.0", True),
        ("v1.20.0", "v1.19.0", True),
    ],
)
def test_a_store_reads_snapshots_of_its_own_minor_version(was, now, refused):
    header = {"name": "b", "versions": {"qdrant": f"qdrant/qdrant:{was}"}}
    runs = {"qdrant": f"qdrant/qdrant:{now}"}

    if refused:
        with pytest.raises(ConflictError, match="minor version"):
            rules.judge_versions(header, runs, ["qdrant"])
    else:
        rules.judge_versions(header, runs, ["qdrant"])


def test_others_read_what_is_older_and_nothing_newer():
    header = {"name": "b", "versions": {"web": "web:v0.11.1", "gone": "gone:9"}}

    rules.judge_versions(header, {"web": "web:v0.12.0"}, [])
    rules.judge_versions(header, {}, [])
    with pytest.raises(ConflictError, match="newer one wrote"):
        rules.judge_versions(header, {"web": "web:v0.10.9"}, [])


def test_another_format_is_refused():
    with pytest.raises(ConflictError, match="format 99"):
        rules.judge_format({"format": 99, "name": "b"})


def filled(sink, *, compress=True, size=200_000):
    with ArchiveWriter(sink, {"name": "x"}, compress=compress) as writer:
        writer.add_bytes("data/v/x", os.urandom(size))
        writer.finish({"items": []})


def test_a_failure_in_the_middle_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError):
        _break_off(Target(tmp_path), "beast_backup_1")

    assert [] == list(tmp_path.iterdir())


def _break_off(target, name):
    with opened(target, name) as sink:
        sink.write(b"half")
        raise RuntimeError


def ran(*argv):
    program = shutil.which(argv[0])
    return subprocess.run([program, *argv[1:]], check=True, capture_output=True).stdout


@pytest.fixture
def identity(tmp_path, needs):
    needs("age")
    file = tmp_path / "identity"
    ran("age-keygen", "-o", file)
    return file, ran("age-keygen", "-y", file).decode().strip()


def test_what_age_encrypts_age_opens_with_the_right_key_alone(tmp_path, identity):
    file, public = identity
    name = names.name_at(NOW)
    with opened(Target(tmp_path / "shelf", (public,)), name) as sink:
        filled(sink)
    path = shelf.find(tmp_path / "shelf", name)

    assert path.name.endswith(".age")
    assert 2 <= shelf.prove(path, str(file)).entries
    with pytest.raises(ArchiveError, match="encrypted") as refused:
        shelf.prove(path)
    assert "--identity" in refused.value.hint
    other = tmp_path / "other"
    ran("age-keygen", "-o", other)
    with pytest.raises(ArchiveError, match="age cannot open"):
        shelf.prove(path, str(other))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ArchiveError):
        shelf.prove(path, str(file))


def test_a_recipient_that_is_none_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(SettingsError, match="public key"):
        _open(Target(tmp_path, ("AGE-SECRET-KEY-1",)))

    assert [] == list(tmp_path.iterdir())


def _open(target):
    with opened(target, "beast_backup_1") as sink:
        filled(sink)


def test_restic_keeps_what_changed_and_gives_back_a_whole_archive(tmp_path, needs, monkeypatch):
    needs("restic")
    (tmp_path / "password").write_text("secret\n")
    store = str(tmp_path / "store")
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    restic = ["restic", "--repo", store, "--quiet"]
    ran(*restic, "init")

    with opened(Target(tmp_path, (), store), "beast_backup_1") as sink:
        filled(sink, compress=False)
    with pytest.raises(RuntimeError):
        _break_off(Target(tmp_path, (), store), "beast_backup_2")

    dump = ran(*restic, "dump", "latest", "/beast_backup_1.tar")
    assert 2 <= verify(io.BytesIO(dump)).entries
    assert b"beast_backup_2" not in ran(*restic, "snapshots", "--json")
    with pytest.raises(CommandError, match="restic failed"):
        _open(Target(tmp_path, (), str(tmp_path / "nowhere")))


def test_what_was_proven_of_a_backup_is_told(tmp_path):
    place = Place(tmp_path)
    (tmp_path / "backups").mkdir()
    name = names.name_at(NOW)
    (tmp_path / f"backups/{name}.tar.zst").touch()
    for operation in ("drill", "verify"):
        with receipts.recording(place.receipts, operation) as kept_receipt:
            kept_receipt.details = {"name": name}

    assert ["drill"] == [each.proven for each in shelf.listed(place)]
