# SPDX-License-Identifier: Apache-2.0
"""The door through which documents come in."""

import errno
import json
import shutil

import pytest
from pydantic import ValidationError

from beast_ops.errors import (
    ConflictError,
    DatabaseDamagedError,
    DatabaseError,
    MissingError,
    TransientError,
    UsageError,
)
from beast_ops.ingest.intake import Intake, declared_folder, read_manifest
from beast_ops.ingest.manifest import DocumentEntry, Manifest
from beast_ops.ingest.settings import jobs_file, state_file
from beast_ops.ingest.state import DocumentState, Known
from beast_ops.ingest.upload import LOOK_BYTES, keeping
from beast_ops.jobs.table import JobTable

A, B = (DocumentEntry(source=f"file://h/docs/{name}", size=5, mtime_ns=7) for name in "ab")
MANIFEST = Manifest(documents=(A, B))


@pytest.fixture
def intake(tmp_path):
    opened = Intake(tmp_path)
    yield opened
    opened.close()


def upload(intake, job, place, text=b"words"):
    receiving = intake.receive(job, place)
    receiving.write(text)
    receiving.finish()


def names(tmp_path, job):
    return sorted(path.name for path in (tmp_path / "uploads" / job).iterdir())


def test_all_is_wanted_while_nothing_is_known(intake, tmp_path):
    opened = intake.open_job(MANIFEST, "docs--1")

    assert (0, 1) == opened.wanted
    assert "held" == intake.status(opened.job)["state"]
    assert MANIFEST == read_manifest(tmp_path / "uploads" / opened.job)


def test_what_is_known_by_size_and_time_is_not_wanted(intake, tmp_path):
    with DocumentState(state_file(tmp_path)) as state:
        state.settle("docs--1", [(Known(A.source, 5, 7, "x", "j"), {})])
        state.settle("docs--1", [(Known(B.source, 5, 8, "x", "j"), {})])

    assert (1,) == intake.open_job(MANIFEST, "docs--1").wanted
    assert (0, 1) == intake.open_job(MANIFEST, "").wanted


def test_all_is_wanted_while_the_state_is_just_being_made(intake, tmp_path):
    state_file(tmp_path).parent.mkdir()
    state_file(tmp_path).touch()

    assert (0, 1) == intake.open_job(MANIFEST, "docs--1").wanted


def test_a_damaged_state_is_told_and_no_job_is_opened(intake, tmp_path):
    state_file(tmp_path).parent.mkdir()
    state_file(tmp_path).write_bytes(b"not a database, for sure" * 100)

    with pytest.raises(DatabaseDamagedError):
        intake.open_job(MANIFEST, "docs--1")
    assert [] == list(intake.newest())


def test_a_job_table_that_cannot_be_written_is_told_as_an_upload_that_cannot_be_kept():
    with pytest.raises(TransientError, match="kept: out of order") as told, keeping("j"):
        raise DatabaseError("out of order", subject="s", hint="Mend it.")
    assert "Mend it." == told.value.hint


def test_with_nothing_wanted_the_job_runs_at_once(intake):
    opened = intake.open_job(Manifest(documents=()), "docs--1")

    assert ((), "ready") == (opened.wanted, intake.status(opened.job)["state"])


def test_uploads_count_once_they_are_complete(intake, tmp_path):
    job = intake.open_job(MANIFEST, "docs--1").job
    upload(intake, job, 0)
    half = intake.receive(job, 1)
    half.write(b"wor")
    assert ["0", "manifest.json"] == [name for name in names(tmp_path, job) if name[0] != "."]

    half.abandon()
    intake.start(job)

    assert ["0", "manifest.json"] == names(tmp_path, job)
    assert "ready" == intake.status(job)["state"]


def test_the_same_document_sent_twice_at_once_is_one_of_both(intake, tmp_path):
    job = intake.open_job(MANIFEST, "docs--1").job
    first, second = intake.receive(job, 0), intake.receive(job, 0)
    for block in (b"aa", b"aa"):
        first.write(block)
        second.write(block.replace(b"a", b"b"))
    second.finish()
    first.finish()

    assert b"aaaa" == (tmp_path / "uploads" / job / "0").read_bytes()


def test_why_a_document_will_not_come_is_noted(intake, tmp_path):
    job = intake.open_job(MANIFEST, "docs--1").job
    intake.skip(job, 1, "it vanished" + "!" * 2000)

    note = json.loads((tmp_path / "uploads" / job / "1.skipped").read_bytes())
    assert note["reason"].startswith("it vanished")
    assert 1000 == len(note["reason"])


def test_a_job_takes_documents_of_its_manifest_and_only_until_it_starts(intake):
    job = intake.open_job(MANIFEST, "docs--1").job
    with pytest.raises(MissingError):
        intake.receive(job, 2)
    with pytest.raises(MissingError):
        intake.receive("nobody", 0)
    intake.start(job)

    with pytest.raises(ConflictError):
        intake.receive(job, 0)
    with pytest.raises(ConflictError):
        intake.start(job)


def test_a_cancelled_job_leaves_nothing_and_its_uploads_are_told(intake, tmp_path):
    job = intake.open_job(MANIFEST, "docs--1").job
    late = intake.receive(job, 0)
    intake.cancel(job)

    assert "cancelled" == intake.status(job)["state"]
    assert not (tmp_path / "uploads" / job).exists()
    with pytest.raises(ConflictError):
        late.finish()
    late.abandon()
    with pytest.raises(MissingError, match="uploads"):
        read_manifest(tmp_path / "uploads" / job)


def test_a_job_that_is_claimed_is_cancelled_by_its_worker(intake, tmp_path):
    job = intake.open_job(Manifest(documents=()), "docs--1").job
    with JobTable(jobs_file(tmp_path)) as table:
        table.claim("w")
        intake.cancel(job)

        assert "running" == intake.status(job)["state"]
        assert (tmp_path / "uploads" / job).exists()


def test_a_disk_without_room_is_told(intake, tmp_path):
    job = intake.open_job(MANIFEST, "docs--1").job
    receiving = intake.receive(job, 0)
    receiving._file.close()
    receiving._file = open("/dev/full", "wb", buffering=0)  # noqa: PTH123, SIM115 - a disk that is full

    with pytest.raises(TransientError, match="No space left"):
        receiving.write(b"words")
    receiving.abandon()
    assert ["manifest.json"] == names(tmp_path, job)


def test_uploads_leave_room_for_the_vector_store(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    intake = Intake(tmp_path, reserve=free * 2)
    job = intake.open_job(MANIFEST, "docs--1").job
    receiving = intake.receive(job, 0)

    with pytest.raises(TransientError, match="nearly full") as refused:
        receiving.write(b"words")
    assert "Make room" in refused.value.hint
    receiving.abandon()
    intake.close()


def test_how_much_room_is_left_is_asked_now_and_then(intake, monkeypatch):
    job = intake.open_job(MANIFEST, "docs--1").job
    receiving = intake.receive(job, 0)
    receiving.write(b"words")
    monkeypatch.setattr(receiving, "_reserve", 1 << 60)
    receiving.write(b"more")
    with pytest.raises(TransientError, match="nearly full"):
        receiving.write(bytes(LOOK_BYTES))
    receiving.abandon()


def test_a_document_that_comes_after_the_start_does_not_count(intake, tmp_path):
    job = intake.open_job(MANIFEST, "docs--1").job
    late = intake.receive(job, 0)
    late.write(b"words")
    intake.start(job)

    with pytest.raises(ConflictError, match="takes no more"):
        late.finish()
    late.abandon()
    assert ["manifest.json"] == names(tmp_path, job)


def test_a_full_disk_opens_no_job_and_notes_no_reason(intake, tmp_path, monkeypatch):
    job = intake.open_job(MANIFEST, "docs--1").job

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("beast_ops.ingest.intake.write_atomically", full)

    with pytest.raises(TransientError, match="No space left"):
        intake.skip(job, 0, "gone")
    with pytest.raises(TransientError, match="No space left"):
        intake.open_job(MANIFEST, "docs--1")
    assert ["cancelled", "held"] == sorted(str(each["state"]) for each in intake.newest())
    assert [job] == [path.name for path in (tmp_path / "uploads").iterdir()]


def test_a_job_table_on_a_full_disk_is_told_as_such(intake):
    intake.open_job(MANIFEST, "docs--1")
    with intake._jobs._database.reading() as table:
        pages = table.exec_driver_sql("PRAGMA page_count").fetchone()[0]
        table.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def open_many():
        for _ in range(1000):
            intake.open_job(MANIFEST, "docs--1")

    with pytest.raises(TransientError, match="full"):
        open_many()


def test_jobs_of_other_kinds_are_no_ingestions(intake, tmp_path):
    with JobTable(jobs_file(tmp_path)) as table:
        other = table.add("dance", {})
    job = intake.open_folder("docs", tmp_path)

    assert [job] == [each["job"] for each in intake.newest()]
    with pytest.raises(MissingError):
        intake.status(other)


def test_declared_folders_are_resolved_and_never_the_installation(tmp_path):
    root, docs, link = tmp_path / "root", tmp_path / "docs", tmp_path / "link"
    root.mkdir()
    docs.mkdir()
    link.symlink_to(docs)
    inside = tmp_path / "inside"
    inside.symlink_to(root)
    folders = {
        "docs": str(link),
        "inside": str(inside),
        "around": str(tmp_path),
        "gone": str(tmp_path / "gone"),
    }

    assert docs == declared_folder(root, folders, "docs")
    for name in ("inside", "around"):
        with pytest.raises(UsageError, match="installation"):
            declared_folder(root, folders, name)
    for name in ("gone", "unknown"):
        with pytest.raises(MissingError):
            declared_folder(root, folders, name)


def test_a_job_whose_uploads_were_cleared_away_cannot_be_started_again(intake, tmp_path):
    job = intake.open_job(MANIFEST, "docs--1").job
    intake.start(job)
    (tmp_path / "uploads" / job / "manifest.json").unlink()
    (tmp_path / "uploads" / job).rmdir()

    with pytest.raises(ConflictError, match="started already"):
        intake.start(job)


def test_a_job_that_ends_while_it_is_started_twice_is_a_conflict(intake, tmp_path):
    job = intake.open_job(MANIFEST, "docs--1").job
    (tmp_path / "uploads" / job / "manifest.json").unlink()
    (tmp_path / "uploads" / job).rmdir()

    with pytest.raises(ConflictError, match="ended already"):
        intake.start(job)


@pytest.mark.parametrize("number", [2**63, 10**40, -(2**63) - 1])
def test_numbers_beyond_what_can_be_kept_are_refused(number):
    for name in ("size", "mtime_ns"):
        with pytest.raises(ValidationError, match=name):
            DocumentEntry(**{"source": "file://h/a", "size": 1, "mtime_ns": 1, name: number})
