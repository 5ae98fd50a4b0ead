# SPDX-License-Identifier: Apache-2.0
"""A token that was revoked must not come back with the data of an earlier day."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from beast_ops.access.model import Scope
from beast_ops.access.outlast import outlast
from beast_ops.access.schema import SCHEMA
from beast_ops.access.store import AccessStore, access_file
from beast_ops.database import Database


@pytest.fixture
def folders(tmp_path):
    """Return the data of now and those of before: since then a token and a session ended."""
    now, then = tmp_path / "2", tmp_path / "1"
    with Database(access_file(now), SCHEMA) as database:
        store = AccessStore(database)
        secrets = {name: store.create(name, Scope.READ, None)[0] for name in ("gone", "kept")}
        who = store.token(secrets["kept"].encode())
        ended, going = (store.begin(who, "localhost", 3600)[0] for _ in range(2))
    shutil.copytree(now, then)
    with Database(access_file(now), SCHEMA) as database:
        store = AccessStore(database)
        store.revoke("gone")
        store.end(store.session(ended.encode(), "localhost").key)
        store.create("new", Scope.READ, None)
    return now, then, {**secrets, "ended": ended, "going": going}


def opened(folder, secrets):
    with Database(access_file(folder), SCHEMA) as database:
        store = AccessStore(database)
        names = {each.name for each in store.tokens()}
        for each in ("ended", "going"):
            if store.session(secrets[each].encode(), "localhost"):
                names.add(each)
        return names


def test_what_ended_since_is_not_there_again(folders):
    now, then, secrets = folders
    assert {"gone", "kept", "ended", "going"} == opened(then, secrets)

    outlast(now, then)

    assert {"kept", "going"} == opened(then, secrets)


def test_it_is_remembered_for_whatever_comes_next(folders, tmp_path):
    now, then, secrets = folders
    older = tmp_path / "0"
    shutil.copytree(then, older)
    outlast(now, then)

    outlast(then, older)

    assert "gone" not in opened(older, secrets)


def test_a_database_of_an_older_revision_stays_of_that(folders):
    now, then, _ = folders
    with closing(sqlite3.connect(access_file(then))) as database:
        database.execute("DROP TABLE revoked")
        before = database.execute("SELECT * FROM sqlite_master").fetchall()

    outlast(now, then)

    with closing(sqlite3.connect(access_file(then))) as database:
        assert before == database.execute("SELECT * FROM sqlite_master").fetchall()
        assert [("kept",)] == database.execute("SELECT name FROM tokens").fetchall()


def test_where_nobody_wrote_down_what_was_revoked_tokens_stay(folders):
    now, then, secrets = folders
    with closing(sqlite3.connect(access_file(now))) as database:
        database.execute("DROP TABLE revoked")

    outlast(now, then)

    assert {"gone", "kept", "going"} == opened(then, secrets)


@pytest.mark.parametrize("spoiled", [0, 1])
def test_what_is_damaged_is_left_as_it_is_and_said(spoiled, folders, caplog):
    path = access_file(folders[spoiled])
    path.write_bytes(b"no database" * 1000)
    others = access_file(folders[1 - spoiled]).read_bytes()

    outlast(*folders[:2])

    assert "is not known" in caplog.text
    assert path.read_bytes().startswith(b"no database")
    assert others == access_file(folders[1 - spoiled]).read_bytes()


def test_where_there_is_nothing_or_the_same_nothing_happens(folders, tmp_path):
    now, _, secrets = folders
    outlast(now, tmp_path / "3")
    outlast(tmp_path / "3", now)
    (tmp_path / "4").symlink_to(now)
    outlast(now, tmp_path / "4")

    assert {"kept", "new", "going"} == opened(now, secrets)
