# SPDX-License-Identifier: Apache-2.0
import sqlite3

import pytest

from beast_ops.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS things (name TEXT NOT NULL) STRICT;"


@pytest.fixture
def database(tmp_path):
    with Database(tmp_path / "new" / "things.sqlite", SCHEMA) as opened:
        yield opened


def add(database, name):
    with database.writing() as table:
        table.execute("INSERT INTO things VALUES (?)", (name,))


def names(database):
    with database.reading() as table:
        return [row["name"] for row in table.execute("SELECT name FROM things ORDER BY rowid")]


def test_what_an_exception_leaves_is_not_kept(database):
    add(database, "one")

    with pytest.raises(sqlite3.IntegrityError), database.writing() as table:
        table.executemany("INSERT INTO things VALUES (?)", [("two",), (None,)])

    add(database, "three")
    assert ["one", "three"] == names(database)


def test_a_transaction_that_sqlite_ended_itself_names_its_reason_and_is_over(database):
    add(database, "one")
    with database.reading() as table:
        pages = table.execute("PRAGMA page_count").fetchone()[0]
        table.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(sqlite3.OperationalError, match="full"):
        add(database, "x" * 100_000)  # as on a full disk

    with database.reading() as table:
        table.execute("PRAGMA max_page_count = 1000000")
    add(database, "two")
    assert ["one", "two"] == names(database)


def test_a_commit_that_fails_leaves_no_transaction_open(database):
    with database.reading() as table:
        table.execute("PRAGMA foreign_keys = ON")
        table.execute("CREATE TABLE main (id INTEGER PRIMARY KEY) STRICT")
        table.execute(
            "CREATE TABLE refers (id INTEGER REFERENCES main DEFERRABLE INITIALLY DEFERRED)"
        )

    with pytest.raises(sqlite3.IntegrityError), database.writing() as table:
        table.execute("INSERT INTO refers VALUES (1)")  # found out by the commit

    add(database, "one")
    assert ["one"] == names(database)


@pytest.mark.parametrize(("durable", "level"), [(False, 1), (True, 2)])
def test_commits_reach_the_disk_where_a_power_cut_must_not_lose_them(tmp_path, durable, level):
    with Database(tmp_path / "x.sqlite", SCHEMA, durable=durable) as opened, opened.reading() as t:
        assert level == t.execute("PRAGMA synchronous").fetchone()[0]
