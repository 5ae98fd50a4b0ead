# SPDX-License-Identifier: Apache-2.0
"""Connections are kept, shared, bounded, and let go of."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from beast_ops import database as room
from beast_ops.database import pool
from beast_ops.errors import DatabaseBusyError, DatabaseClosedError, DatabaseError

OPEN_FILES = Path("/proc/self/fd")


def counts(database):
    """Return how many connections are open, and how many of them are free."""
    return database._pool._opened, len(database._pool._free)


def hold(database, number):
    stack = ExitStack()
    for _ in range(number):
        stack.enter_context(database.reading())
    return stack


def open_files(path):
    found = []
    for each in OPEN_FILES.iterdir():
        try:
            found.append(str(each.readlink()))
        except FileNotFoundError:  # the listing's own
            continue
    return sum(name.startswith(str(path)) for name in found)


def test_one_connection_is_enough_for_who_comes_one_after_the_other(database):
    for _ in range(5):
        with database.reading(), database.writing():
            pass
    with database.reading():
        assert (2, 1) == counts(database)


def test_when_all_are_in_use_the_next_is_refused_in_the_end(database, path, monkeypatch):
    monkeypatch.setattr(room, "WAIT_SECONDS", 0.05)
    with hold(database, pool.MOST):
        with pytest.raises(DatabaseBusyError, match="all 10 connections") as told:
            hold(database, 1)
        assert (75, str(path)) == (told.value.exit_code, told.value.subject)
        assert (pool.MOST, 0) == counts(database)
    with database.reading():
        pass


def test_who_waits_gets_the_one_that_comes_back(database):
    got = threading.Event()

    def wait():
        with database.reading():
            got.set()

    with hold(database, pool.MOST):
        thread = threading.Thread(target=wait)
        thread.start()
        early = got.wait(0.05)
    thread.join(5)

    assert (False, True) == (early, got.is_set())
    assert pool.MOST == database._pool._opened


def test_who_waits_while_it_is_closed_is_told(database):
    told = []

    def wait():
        try:
            hold(database, 1)
        except DatabaseClosedError as closed:
            told.append(closed)

    with hold(database, pool.MOST):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.05)
        database.close()
        thread.join(5)
        assert 1 == len(told)
        assert (pool.MOST, 0) == counts(database)
    assert (0, 0) == counts(database)


def test_what_was_idle_for_long_is_closed_except_for_two(database, monkeypatch):
    hold(database, 5).close()
    assert (5, 5) == counts(database)
    with database.reading():
        pass
    assert (5, 5) == counts(database)

    monkeypatch.setattr(pool, "IDLE_SECONDS", -1)
    with database.reading():
        pass

    assert (pool.LEAST, pool.LEAST) == counts(database)


def test_a_connection_that_is_of_no_use_any_more_is_replaced(database):
    with database.reading() as table:
        table.connection.dbapi_connection.close()
    assert (0, 0) == counts(database)

    with database.reading() as table:
        assert 1 == table.exec_driver_sql("SELECT 1").scalar()


def test_a_file_that_cannot_be_opened_any_more_takes_no_room(database, path):
    with hold(database, 1):
        path.rename(path.with_name("elsewhere"))
        path.parent.chmod(0o700)
        path.mkdir()
        with pytest.raises(DatabaseError, match="unable to open"):
            hold(database, 1)
        assert (1, 0) == counts(database)


def test_many_threads_take_and_give_back_with_no_leak_and_no_lock(database, path):
    """As many as a busy API has, each as often as it is asked."""
    go = threading.Barrier(16)

    def work(number):
        go.wait()
        for step in range(1000):
            if step % 100 == number:
                with database.writing() as table:
                    table.exec_driver_sql("INSERT INTO things VALUES ('x')")
            else:
                with database.reading() as table:
                    table.exec_driver_sql("SELECT count(*) FROM things").scalar()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    opened, free = counts(database)

    assert opened == free <= pool.MOST
    with database.reading() as table:
        assert 160 == table.exec_driver_sql("SELECT count(*) FROM things").scalar()
    database.close()
    gc.collect()
    assert 0 == open_files(path)
