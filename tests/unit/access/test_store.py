# SPDX-License-Identifier: Apache-2.0
"""What a token and a session open, for how long, and what is left of them in the file."""

from datetime import UTC, datetime, timedelta

import pytest

from beast_ops.access import codes as coding
from beast_ops.access.changes import KEPT, Changes
from beast_ops.access.codes import LENGTH, LETTERS, Codes
from beast_ops.access.lockout import CLIENTS_MOST, Lockout
from beast_ops.access.model import Principal, Scope, hashed
from beast_ops.access.schema import METADATA, SCHEMA
from beast_ops.access.store import AccessStore, access_file
from beast_ops.clock import Clock
from beast_ops.database import Database

OPERATOR = Principal("operator", Scope.ADMIN, "operator", "o", "o")


class Time:
    """A clock that goes when it is told."""

    def __init__(self):
        self.passed = 0.0
        self.clock = Clock(
            lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.passed),
            lambda: self.passed,
            lambda _: None,
        )


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def database(tmp_path):
    with Database(access_file(tmp_path), SCHEMA) as opened:
        yield opened


@pytest.fixture
def store(database, time):
    return AccessStore(database, {"o"}, time.clock)


def test_the_tables_are_those_of_the_migrations(database):
    from sqlalchemy import inspect

    with database.reading() as connection:
        found = inspect(connection)
        for table in METADATA.tables.values():
            assert [each["name"] for each in found.get_columns(table.name)] == [
                column.name for column in table.columns
            ]


def test_a_token_ends_when_its_days_are_over(store, time):
    secret, _ = store.create("laptop", Scope.WRITE, 1)

    assert store.token(secret.encode()).scope is Scope.WRITE
    time.passed = 86_399
    assert store.token(secret.encode()) is not None
    time.passed = 86_400
    assert store.token(secret.encode()) is None


def test_what_was_made_is_there_after_a_restart(store, database, time):
    secret, _ = store.create("laptop", Scope.READ, None)
    store.create("gone", Scope.READ, None)
    store.revoke("gone")
    cookie, _ = store.begin(store.token(secret.encode()), "host", 60)
    store.flush()

    again = AccessStore(database, {"o"}, time.clock)

    assert ["laptop"] == [token.name for token in again.tokens()]
    assert again.tokens()[0].used == time.clock.now().timestamp()
    assert again.token(secret.encode()).name == "laptop"
    assert again.session(cookie.encode(), "host").name == "laptop"


def test_the_last_use_is_told_to_the_minute(store, time):
    secret, _ = store.create("laptop", Scope.READ, None)
    told = []
    for time.passed in (10, 30, 75):
        store.token(secret.encode())
        told.append(store.tokens()[0].used - time.clock.now().timestamp())

    assert told == [0, -20, 0]


def test_sessions_of_a_token_that_was_rotated_are_over(store, database, time):
    cookie, _ = store.begin(OPERATOR, "host", 60)
    assert store.session(cookie.encode(), "host") is not None

    rotated = AccessStore(database, {"another"}, time.clock)
    back = AccessStore(database, {"o"}, time.clock)

    assert rotated.session(cookie.encode(), "host") is None
    assert back.session(cookie.encode(), "host") is None


def test_a_session_lasts_no_longer_than_its_token(store, time):
    secret, _ = store.create("laptop", Scope.READ, 1)
    cookie, session = store.begin(store.token(secret.encode()), "host", 10 * 86_400)

    assert session.expires == time.clock.now().timestamp() + 86_400
    assert store.session(cookie.encode(), "other") is None
    assert store.session(b"x", "host") is None
    time.passed = 86_400
    assert store.session(cookie.encode(), "host") is None


def test_sessions_that_are_over_leave_the_file(store, database, time):
    from sqlalchemy import func, select

    from beast_ops.access.schema import SESSIONS

    store.begin(OPERATOR, "host", 60)
    time.passed = 61
    store.begin(OPERATOR, "host", 60)

    with database.reading() as table:
        assert 1 == table.execute(select(func.count()).select_from(SESSIONS)).scalar_one()


def test_a_code_has_its_letters_and_is_forgotten_in_time(time):
    codes = Codes(time.clock)
    code = codes.make(OPERATOR)
    plain = code.replace("-", "")
    assert LENGTH == len(plain)
    assert set(plain) <= set(LETTERS)
    assert codes.take("AAAA-AAAA") is None
    assert OPERATOR == codes.take(f" {code.lower()} ")
    assert codes.take(code) is None

    late = codes.make(OPERATOR)
    time.passed = coding.SECONDS
    assert codes.take(late) is None


def test_only_so_many_codes_are_out(time):
    codes = Codes(time.clock)
    first = codes.make(OPERATOR)
    for _ in range(coding.MOST):
        last = codes.make(OPERATOR)

    assert codes.take(first) is None
    assert codes.take(last) is not None


def test_who_guesses_too_often_waits_and_nobody_else(time):
    lockout = Lockout(time.clock)
    for time.passed in range(3):
        assert 0 == lockout.wait("bad", 3, 60)
        lockout.note("bad")

    assert 58 == lockout.wait("bad", 3, 60)
    assert 0 == lockout.wait("good", 3, 60)
    time.passed = 60
    assert 0 == lockout.wait("bad", 3, 60)
    lockout.note("bad")
    lockout.forgive("bad")
    assert 0 == lockout.wait("bad", 1, 60)


def test_strangers_cannot_fill_the_memory():
    lockout = Lockout()
    for number in range(CLIENTS_MOST + 10):
        lockout.note(str(number))

    assert 0 == lockout.wait("9", 1, 60)
    assert 0 < lockout.wait(str(CLIENTS_MOST + 9), 1, 60)


def test_changes_come_back_newest_first(database, time, caplog):
    changes = Changes(database, time.clock)
    with caplog.at_level("INFO"):
        for number in range(3):
            changes.note("me", "10.0.0.1", "DELETE", f"/jobs/{number}\n", 200)

    found = changes.newest(2)

    assert ["/jobs/2\n", "/jobs/1\n"] == [each["path"] for each in found]
    assert ["/jobs/0\n"] == [each["path"] for each in changes.newest(2, found[-1]["id"])]
    assert "me from 10.0.0.1: DELETE '/jobs/2\\n' 200" in caplog.messages
    assert KEPT > 1000


def test_changes_that_could_not_be_written_are_written_later(database, tmp_path):
    from beast_ops.errors import DatabaseError

    closed = Database(tmp_path / "other.sqlite", SCHEMA)
    changes = Changes(closed)
    closed.close()
    changes.note("me", "c", "PUT", "/x", 200)
    with pytest.raises(DatabaseError):
        changes.flush()

    changes._database = database

    assert 1 == len(changes.newest(5))


def test_a_hash_is_all_that_is_kept():
    assert 64 == len(hashed(b"x"))
