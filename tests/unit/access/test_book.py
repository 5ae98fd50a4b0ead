# SPDX-License-Identifier: Apache-2.0
"""Tokens, looked up beside the process that makes them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from beast_ops.access.book import TokenBook
from beast_ops.access.model import Scope
from beast_ops.access.rules import ModelRules
from beast_ops.access.schema import SCHEMA
from beast_ops.access.store import AccessStore, access_file
from beast_ops.clock import Clock
from beast_ops.database import Database, Schema

RULES = ModelRules(("llama3.2", "qwen*"), 30)


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
def both(tmp_path, time):
    """The process that makes tokens, and one beside it, each with its own connections."""
    path = access_file(tmp_path)
    with Database(path, SCHEMA) as one, Database(path, SCHEMA) as other:
        yield AccessStore(one, clock=time.clock), TokenBook(other, time.clock)


def test_what_is_made_is_found_at_once_and_what_is_revoked_no_more(both):
    store, book = both
    secret, made = store.create("laptop", Scope.WRITE, None, RULES)

    assert (made.name, Scope.WRITE, RULES) == (
        (found := book.find(secret.encode())).name,
        found.scope,
        found.rules,
    )
    store.revoke("laptop")
    assert book.find(secret.encode()) is None


@pytest.mark.parametrize("secret", [b"", b"guess", b"\xff" * 99])
def test_a_guess_finds_nothing(both, secret):
    store, book = both
    store.create("laptop", Scope.READ, None)

    assert book.find(secret) is None


def test_a_token_that_is_over_is_none(both, time):
    store, book = both
    secret, _ = store.create("laptop", Scope.READ, 1)

    time.passed = 86_399
    assert book.find(secret.encode()) is not None
    time.passed = 86_400
    assert book.find(secret.encode()) is None


def test_who_made_it_is_told_of_its_use_elsewhere(both, time):
    store, book = both
    secret, _ = store.create("laptop", Scope.READ, None)

    time.passed = 100
    book.find(secret.encode())
    book.flush()
    assert store.tokens()[0].used == time.clock.now().timestamp()

    time.passed = 10  # the other process noted an earlier use, and writes it later
    store.token(secret.encode())
    store.flush()
    time.passed = 100
    assert store.tokens()[0].used == time.clock.now().timestamp()


def test_rules_are_there_after_a_restart(both, tmp_path):
    store, _ = both
    secret, _ = store.create("laptop", Scope.READ, None, RULES)

    with Database(access_file(tmp_path), SCHEMA) as again:
        assert [RULES] == [token.rules for token in AccessStore(again).tokens()]
        assert "laptop" == AccessStore(again).token(secret.encode()).name


def test_a_token_from_before_the_rules_may_use_every_model(tmp_path):
    path = access_file(tmp_path)
    with Database(path, Schema(SCHEMA.migrations, "0001")) as old, old.writing() as table:
        table.execute(text("INSERT INTO tokens VALUES ('h', 'laptop', 'write', 1.0, NULL, NULL)"))
    with Database(path, SCHEMA) as new:
        (token,) = AccessStore(new).tokens()

    assert ("laptop", Scope.WRITE, ModelRules()) == (token.name, token.scope, token.rules)
    assert token.rules.allows("any:thing")
