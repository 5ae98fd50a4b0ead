# SPDX-License-Identifier: Apache-2.0
"""Versions of models come back as they were, and no content lies on the disk twice."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from beast_ops.errors import BusyError, ConflictError, MissingError, ModelError
from beast_ops.models.manifests import path_of
from beast_ops.models.subjects import FileSubject, StoreSubject
from beast_ops.models.versions import KEEP, Versions
from tests.ollama_store import put_model


@pytest.fixture
def versions(tmp_path):
    return Versions(tmp_path / "versions")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "some" / "model.gguf"


def write(path, content):
    """Write as downloads do: a new file in place of the old one."""
    path.parent.mkdir(exist_ok=True)
    half = path.with_suffix(".half")
    half.write_bytes(content)
    half.replace(path)


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]


def inodes(*folders):
    return {path.stat().st_ino for folder in folders for path in files(folder)}


def test_a_version_is_named_by_its_content(versions, file):
    write(file, b"one")
    kept = versions.snapshot(FileSubject(file))
    sha256 = hashlib.sha256(b"one").hexdigest()

    assert (sha256[:8], sha256, str(file), 3) == (
        kept.version,
        kept.sha256,
        kept.model,
        kept.bytes,
    )
    assert [kept] == versions.all(str(file)) == versions.all()
    assert [] == versions.verify(kept)
    assert b"one" == versions.path(sha256).read_bytes()


def test_a_rollback_keeps_what_was_there_first(versions, file):
    subject = FileSubject(file)
    write(file, b"one")
    first = versions.snapshot(subject)
    write(file, b"two")
    done = versions.rollback(subject)

    assert b"one" == file.read_bytes()
    assert first.version == done.now.version
    assert hashlib.sha256(b"two").hexdigest() == done.before.sha256
    assert [done.now, done.before] == versions.all(str(file))
    versions.rollback(subject, done.before.version[:4])
    assert b"two" == file.read_bytes()


def test_the_bytes_are_there_once(versions, file, tmp_path):
    write(file, b"x" * 1000)
    write(other := tmp_path / "some" / "other.gguf", b"x" * 1000)
    for subject in (FileSubject(file), FileSubject(other)):
        versions.snapshot(subject)
    models = [path for path in files(tmp_path) if path.suffix != ".json"]

    assert 3 == len(models)
    assert 1 == len({path.stat().st_ino for path in models})


def test_a_file_that_is_kept_cannot_be_written_into_by_mistake(versions, file):
    write(file, b"one")
    kept = versions.snapshot(FileSubject(file))

    assert not file.stat().st_mode & 0o222
    write(file, b"another")
    assert b"one" == versions.path(kept.sha256).read_bytes()


def test_the_newest_stay_and_the_version_that_is_put_back_is_one_of_them(versions, file):
    subject = FileSubject(file)
    for number in range(KEEP + 2):
        write(file, b"%d" % number)
        versions.snapshot(subject)
    oldest = versions.all(str(file))[-1]
    write(file, b"new")
    versions.rollback(subject, oldest.version)
    left = versions.all(str(file))

    assert KEEP == len(left)
    assert b"2" == file.read_bytes()
    assert oldest.version == left[0].version
    assert hashlib.sha256(b"new").hexdigest() == left[1].sha256
    assert KEEP == len(list((file.parents[1] / "versions" / "blobs").iterdir()))


def test_the_same_content_again_is_the_same_version_and_the_newest(versions, file):
    subject = FileSubject(file)
    for content in (b"a", b"b", b"a"):
        write(file, content)
        versions.snapshot(subject)

    assert [hashlib.sha256(each).hexdigest() for each in (b"a", b"b")] == [
        each.sha256 for each in versions.all(str(file))
    ]


def test_a_damaged_version_is_not_put_back(versions, file):
    subject = FileSubject(file)
    write(file, b"one")
    kept = versions.snapshot(subject)
    write(file, b"two")
    versions.path(kept.sha256).unlink()
    versions.path(kept.sha256).write_bytes(b"eno")

    assert [kept.sha256] == versions.verify(kept)
    with pytest.raises(ModelError, match="damaged"):
        versions.rollback(subject, kept.version)
    assert b"two" == file.read_bytes()


def test_a_file_that_is_gone_comes_back(versions, file):
    subject = FileSubject(file)
    write(file, b"one")
    versions.snapshot(subject)
    file.unlink()
    file.parent.rmdir()

    assert None is versions.rollback(subject).before
    assert b"one" == file.read_bytes()


def test_what_is_not_there_is_told(versions, file, tmp_path):
    subject = FileSubject(file)
    for act in (
        lambda: versions.snapshot(subject),
        lambda: versions.rollback(subject),
        lambda: versions.rollback(subject, "12345678"),
        lambda: versions.delete(str(file), "1"),
        lambda: versions.snapshot(StoreSubject(tmp_path, "none")),
    ):
        with pytest.raises(MissingError):
            act()
    assert [] == versions.all()


def test_a_deleted_version_takes_its_bytes_along(versions, file):
    write(file, b"one")
    kept = versions.snapshot(FileSubject(file))
    versions.delete(str(file), kept.version)

    assert [] == versions.all() == list(versions.path("x").parent.iterdir())
    assert b"one" == file.read_bytes()


def test_one_that_works_holds_up_others(versions, file, monkeypatch):
    write(file, b"one")
    monkeypatch.setattr("beast_ops.models.shelf.LOCK_SECONDS", 0)
    versions.snapshot(FileSubject(file))

    class Inside(FileSubject):
        def parts(self):
            with pytest.raises(BusyError):
                Versions(versions.path("x").parents[1]).snapshot(FileSubject(file))
            return super().parts()

    versions.snapshot(Inside(file))


def test_a_file_that_changes_meanwhile_is_not_kept(versions, file, monkeypatch):
    from beast_ops.models import subjects

    real = subjects.hash_files

    def meanwhile(paths):
        yield from real(paths)
        write(file, b"longer than before")

    write(file, b"one")
    monkeypatch.setattr(subjects, "hash_files", meanwhile)
    with pytest.raises(ConflictError):
        versions.snapshot(FileSubject(file))
    assert [] == versions.all()


def test_a_model_of_an_ollama_goes_back_with_its_blobs(versions, tmp_path):
    root = tmp_path / "models"
    old = put_model(root, "tiny:1b", b"old weights")
    subject = StoreSubject(root, "tiny:1b")
    kept = versions.snapshot(subject)
    new = put_model(root, "tiny:1b", b"new weights")
    for path in root.glob("blobs/*"):  # what Ollama prunes when it starts
        if hashlib.sha256(b"old weights").hexdigest() in path.name:
            path.unlink()
    done = versions.rollback(subject)
    manifest = root / "manifests" / path_of("tiny:1b")

    assert old == manifest.read_bytes()
    assert (kept.version, hashlib.sha256(new).hexdigest()) == (
        done.now.version,
        done.before.sha256,
    )
    weights = root / "blobs" / f"sha256-{hashlib.sha256(b'old weights').hexdigest()}"
    assert b"old weights" == weights.read_bytes()
    assert weights.samefile(versions.path(hashlib.sha256(b"old weights").hexdigest()))
    assert not manifest.samefile(versions.path(kept.sha256))


def test_a_model_with_a_bad_part_is_not_kept(versions, tmp_path):
    root = tmp_path / "models"
    put_model(root, "tiny", b"weights")
    blob = root / "blobs" / f"sha256-{hashlib.sha256(b'weights').hexdigest()}"
    blob.write_bytes(b"wights")
    with pytest.raises(ModelError, match="damaged"):
        versions.snapshot(StoreSubject(root, "tiny"))
    blob.unlink()
    with pytest.raises(ModelError, match="missing"):
        versions.snapshot(StoreSubject(root, "tiny"))
    assert [] == versions.all()


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b/c/d/e", "", "a:b:c", "a b"])
def test_a_name_leads_nowhere_else(tmp_path, name):
    with pytest.raises(ModelError):
        StoreSubject(tmp_path, name)


def test_a_damaged_record_is_told_with_its_file(versions, file):
    write(file, b"one")
    versions.snapshot(FileSubject(file))
    (record,) = versions.path("x").parents[1].glob("records/*/*.json")
    record.write_text(json.dumps({"parts": []}))

    with pytest.raises(ModelError, match="record") as wrong:
        versions.all()
    assert str(record) == wrong.value.subject


def test_killed_at_any_step_there_is_the_old_or_the_new(tmp_path, rounds, seed):
    """Each change of the file system is the last one once, in a process of its own."""
    stride = rounds(5, 1)
    script = Path(__file__).with_name("killed_versions.py")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, script, tmp_path, str(seed % stride), str(stride)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )

    assert "" == done.stderr
    counts = json.loads(done.stdout)
    assert {"snapshot file", "rollback file", "snapshot model", "rollback model"} == counts.keys()
    assert all(count > 8 for count in counts.values()), counts
