# SPDX-License-Identifier: Apache-2.0
"""A new file is given its log, even where several give it at once."""

import sqlite3
import threading
import time

import pytest

from beast_ops.database import connect as room
from beast_ops.database.connect import connect


def test_who_comes_while_a_new_file_is_held_waits_for_it(path, monkeypatch):
    monkeypatch.setattr(room, "BUSY_SECONDS", 5.0)
    path.parent.mkdir()
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")

    def let_go():
        time.sleep(0.1)
        holder.execute("COMMIT")

    thread = threading.Thread(target=let_go)
    thread.start()
    opened = connect(path)
    thread.join()

    assert "wal" == opened.execute("PRAGMA journal_mode").fetchone()[0]
    opened.close()
    holder.close()


def test_it_does_not_wait_for_ever(path, monkeypatch):
    monkeypatch.setattr(room, "BUSY_SECONDS", 0.05)
    path.parent.mkdir()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connect(path)
    holder.close()


def test_a_file_that_takes_no_log_is_refused_at_once(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database, for sure" * 100)

    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        connect(path)


class Refusing:
    """A connection that refuses so often, with this code, and then no more."""

    def __init__(self, code, times):
        self.code, self.times = code, times

    def execute(self, _):
        if self.times:
            self.times -= 1
            failure = sqlite3.OperationalError("refused")
            failure.sqlite_errorcode = self.code
            raise failure


def test_who_is_refused_without_waiting_asks_again():
    refusing = Refusing(sqlite3.SQLITE_BUSY_RECOVERY, 2)

    room._log_ahead(refusing)

    assert 0 == refusing.times


def test_what_waiting_does_not_mend_is_told_at_once():
    with pytest.raises(sqlite3.OperationalError, match="refused"):
        room._log_ahead(Refusing(sqlite3.SQLITE_IOERR, 1))
