# SPDX-License-Identifier: Apache-2.0
"""What is committed stays, what is not leaves no trace, and each refusal says what to do."""

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import IntegrityError

from beast_ops import database as room
from beast_ops.database import Database
from beast_ops.errors import (
    DatabaseBusyError,
    DatabaseClosedError,
    DatabaseDamagedError,
    DatabaseError,
    DatabaseFullError,
)


def add(database, *names):
    with database.writing() as table:
        for name in names:
            table.exec_driver_sql("INSERT INTO things VALUES (?)", (name,))


def names(database):
    with database.reading() as table:
        found = table.exec_driver_sql("SELECT name FROM things ORDER BY rowid")
        return list(found.scalars())


def pragma(database, name):
    with database.reading() as table:
        return table.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_what_an_exception_leaves_is_not_kept(database):
    add(database, "one")

    with pytest.raises(IntegrityError):
        add(database, "two", None)

    add(database, "three")
    assert ["one", "three"] == names(database)


def test_what_a_reader_does_is_not_kept(database):
    with database.reading() as table:
        table.exec_driver_sql("INSERT INTO things VALUES ('one')")

    assert [] == names(database)


def test_a_reader_sees_one_moment_while_another_writes(database):
    add(database, "one")
    with database.reading() as table:
        before = table.exec_driver_sql("SELECT count(*) FROM things").scalar()
        add(database, "two")
        after = table.exec_driver_sql("SELECT count(*) FROM things").scalar()

    assert (1, 1) == (before, after)
    assert ["one", "two"] == names(database)


def test_a_transaction_that_sqlite_ended_itself_names_its_reason_and_is_over(database):
    add(database, "one")
    with database.reading() as table:
        pages = table.exec_driver_sql("PRAGMA page_count").scalar()
        table.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(DatabaseFullError, match=r"no room.*full"):
        add(database, "x" * 100_000)  # as on a full disk

    with database.reading() as table:
        table.exec_driver_sql("PRAGMA max_page_count = 1000000")
    add(database, "two")
    assert ["one", "two"] == names(database)


def test_a_commit_that_fails_leaves_no_transaction_open(database):
    with database.writing() as table:
        table.exec_driver_sql("CREATE TABLE main (id INTEGER PRIMARY KEY) STRICT")
        table.exec_driver_sql(
            "CREATE TABLE refers (id INTEGER REFERENCES main DEFERRABLE INITIALLY DEFERRED)"
        )

    with pytest.raises(sqlite3.IntegrityError), database.writing() as table:
        table.exec_driver_sql("INSERT INTO refers VALUES (1)")  # found out by the commit

    add(database, "one")
    assert ["one"] == names(database)


@pytest.mark.parametrize(("durable", "level"), [(False, 1), (True, 2)])
def test_commits_reach_the_disk_where_a_power_cut_must_not_lose_them(path, durable, level):
    with Database(path, durable=durable) as opened:
        assert level == pragma(opened, "synchronous")


def test_every_connection_has_the_settings_of_the_house(database, path):
    expected = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000}

    assert expected == {name: pragma(database, name) for name in expected}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_who_only_reads_changes_nothing_and_makes_nothing(database, path):
    add(database, "one")
    with Database(path, read_only=True) as reader:
        with pytest.raises(DatabaseError, match="readonly"):
            add(reader, "two")
        assert ["one"] == names(reader)

    missing = path.with_name("none.sqlite")
    with pytest.raises(DatabaseError, match="unable to open") as told:
        Database(missing, read_only=True)
    assert (str(missing), False) == (told.value.subject, missing.exists())


@pytest.mark.parametrize("use", ["reading", "writing"])
def test_a_closed_database_says_so(database, path, use):
    database.close()
    database.close()

    with pytest.raises(DatabaseClosedError) as told, getattr(database, use)():
        pass
    assert f"this database was closed ({path}). Open it anew." == told.value.paragraph()


def test_what_others_hold_beyond_the_time_to_wait_is_told_as_temporary(database, path, monkeypatch):
    monkeypatch.setattr("beast_ops.database.connect.BUSY_SECONDS", 0.05)
    with (
        Database(path) as impatient,
        database.writing(),
        pytest.raises(DatabaseBusyError, match="locked") as told,
    ):
        add(impatient, "one")

    assert (75, str(path)) == (told.value.exit_code, told.value.subject)


def test_a_thread_that_never_ends_its_writing_is_told_to_the_others(database, monkeypatch):
    monkeypatch.setattr(room, "WAIT_SECONDS", 0.05)
    with database.writing(), pytest.raises(DatabaseBusyError, match="another thread"):
        add(database, "one")

    add(database, "two")
    assert ["two"] == names(database)


def test_threads_write_one_after_the_other_and_lose_nothing(database):
    def work(number):
        for step in range(50):
            add(database, f"{number}-{step}")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))

    assert {f"{n}-{step}" for n in range(16) for step in range(50)} == set(names(database))


def test_processes_that_write_at_once_lose_nothing(database, path):
    program = (
        "import sys; from pathlib import Path; from beast_ops.database import Database\n"
        "with Database(Path(sys.argv[1])) as opened:\n"
        "    for step in range(200):\n"
        "        with opened.writing() as table:\n"
        "            count = table.exec_driver_sql('SELECT count(*) FROM things').scalar()\n"
        "            table.exec_driver_sql('INSERT INTO things VALUES (?)', (str(count),))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(2)]

    assert [0, 0] == [writer.wait(60) for writer in writers]
    assert [str(number) for number in range(400)] == names(database)


@pytest.mark.parametrize("content", [b"not a database, for sure" * 100, None])
def test_a_damaged_file_asks_for_its_backup(database, path, content):
    add(database, *(f"{number}" * 50 for number in range(2000)))
    database.close()
    if content is None:
        raw = bytearray(path.read_bytes())
        raw[4096:] = b"\xff" * len(raw[4096:])
        content = bytes(raw)
    path.write_bytes(content)

    with pytest.raises(DatabaseDamagedError) as told, Database(path) as opened:
        names(opened)
    assert f"({path}). Stop the stack, and restore the file from a backup." in (
        told.value.paragraph()
    )


def test_errors_of_others_pass_as_they_are(database):
    with pytest.raises(OSError, match="mine"), database.writing():
        raise OSError("mine")
    with pytest.raises(DatabaseError, match="no such table"), database.reading() as table:
        table.exec_driver_sql("SELECT 1 FROM absent")
