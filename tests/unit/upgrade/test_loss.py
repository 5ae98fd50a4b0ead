# SPDX-License-Identifier: Apache-2.0
import shutil
import sqlite3
from contextlib import closing

import pytest

from beast_ops.card_parts import State
from beast_ops.testing import a_service, an_installation
from beast_ops.upgrade import loss

STATE = (
    State(how="sqlite", volume="jobs", set="jobs", file="jobs.sqlite"),
    State(how="files", volume="uploads", set="jobs"),
)


@pytest.fixture
def place(tmp_path):
    """Two generations that are alike."""
    found = an_installation(tmp_path / "r", a_service("worker", state=STATE))
    shutil.rmtree(found.data, ignore_errors=True)
    old = found.data / "1"
    (old / "jobs").mkdir(parents=True)
    (old / "uploads/a").mkdir(parents=True)
    (old / "uploads/a/one").touch()
    write(old, "CREATE TABLE jobs (id)", "INSERT INTO jobs VALUES (1)")
    shutil.copytree(old, found.data / "2")
    return found


def write(generation, *statements):
    with closing(sqlite3.connect(generation / "jobs/jobs.sqlite")) as database, database:
        for each in statements:
            database.execute(each)


def test_where_nothing_was_written_there_is_nothing_to_name(place):
    assert "" == loss.since(place, "2")


def test_rows_and_files_that_are_more_are_counted(place):
    write(place.data / "2", "INSERT INTO jobs VALUES (2), (3)", "CREATE TABLE more (id)",
          "INSERT INTO more VALUES (1)")  # fmt: skip
    (place.data / "2/uploads/a/two").touch()

    said = loss.since(place, "2")

    assert "2 rows of jobs in jobs/jobs.sqlite" in said
    assert "1 rows of more in jobs/jobs.sqlite" in said
    assert "1 files in uploads" in said


def test_what_is_carried_over_is_not_lost(place):
    shutil.rmtree(place.data / "2/uploads")
    (place.data / "2/uploads").symlink_to("../1/uploads")
    (place.data / "1/uploads/two").touch()

    assert "" == loss.since(place, "2")


def test_what_cannot_be_read_is_passed_over(place):
    (place.data / "2/jobs/jobs.sqlite").write_bytes(b"nonsense" * 1000)
    assert "" == loss.since(place, "2")
    assert "" == loss.since(place, "1")
