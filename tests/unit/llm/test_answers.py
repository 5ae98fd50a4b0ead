# SPDX-License-Identifier: Apache-2.0
"""Answers that are kept: never too many, never too old, never of other weights."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from beast_ops.clock import Clock
from beast_ops.llm.answers import (
    ROW_BYTES,
    AnswerCache,
    Counts,
    Limits,
    Memory,
    deterministic,
    key_of,
)

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)


class Time:
    """A clock that tests move."""

    def __init__(self):
        self.at = BEGIN
        self.clock = Clock(now=lambda: self.at)

    def pass_(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cache/answers.sqlite"


def test_the_limits_are_those_of_the_specification():
    assert (1000, 100_000_000, 3600) == (Limits().entries, Limits().bytes, Limits().seconds)


def test_an_answer_outlives_the_process(file):
    with AnswerCache(file) as cache:
        cache.put(b"k", "täxt")
        assert "täxt" == cache.get(b"k")
        assert Counts(memory=1, kept=1) == cache.counts

    with AnswerCache(file) as cache:
        assert ["täxt", "täxt", None] == [cache.get(key) for key in (b"k", b"k", b"other")]
        assert Counts(memory=1, file=1, missed=1) == cache.counts
        assert (1, 5 + ROW_BYTES) == cache.size()


def test_nobody_else_may_enter_the_folder(file):
    AnswerCache(file).close()

    assert 0o700 == file.parent.stat().st_mode & 0o777


def test_an_answer_holds_for_an_hour(file):
    time = Time()
    with AnswerCache(file, clock=time.clock) as cache, AnswerCache(file, clock=time.clock) as other:
        cache.put(b"k", "text")
        time.pass_(3599)
        assert "text" == cache.get(b"k")
        time.pass_(1)
        assert [None, None] == [cache.get(b"k"), other.get(b"k")]


def test_what_is_larger_than_all_is_not_kept(file):
    with AnswerCache(file, Limits(bytes=1000)) as cache:
        cache.put(b"k", "x" * 1000)
        assert cache.get(b"k") is None


def test_a_text_that_the_disk_changed_is_no_answer(file):
    with AnswerCache(file) as cache:
        cache.put(b"k", "text")
        cache._ask("UPDATE answers SET text = 'tixt'")
    with AnswerCache(file) as cache:
        assert cache.get(b"k") is None


def test_a_file_that_is_none_is_begun_anew(file):
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)

    with AnswerCache(file) as cache:
        cache.put(b"k", "text")
    with AnswerCache(file) as cache:
        assert "text" == cache.get(b"k")


def test_all_can_be_forgotten(file):
    with AnswerCache(file) as cache:
        cache.put(b"a", "1")
        cache.put(b"b", "2")

        assert 2 == cache.clear()
        assert [None, None] == [cache.get(b"a"), cache.get(b"b")]
        assert (0, 0) == cache.size()


def test_memory_lets_the_least_recently_wanted_go():
    memory = Memory(2, 1000)
    memory.put(b"a", "1", 9)
    memory.put(b"b", "2", 9)
    memory.get(b"a", 0)

    assert 1 == memory.put(b"c", "3", 9)
    assert ["1", None, "3"] == [memory.get(key, 0) for key in (b"a", b"b", b"c")]


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({}, False),
        ({"temperature": 0}, True),
        ({"temperature": 0.0}, True),
        ({"temperature": 0.7}, False),
        ({"temperature": 0.7, "seed": 0}, True),
        ({"seed": None}, False),
    ],
)
def test_what_a_model_says_again_is_known_by_its_options(options, same):
    assert same is deterministic(options)


def test_a_key_is_of_weights_and_all_that_was_asked():
    body = {"a": 1, "b": [1]}
    keys = {
        key_of("d", "/p", body),
        key_of("e", "/p", body),
        key_of("d", "/q", body),
        key_of("d", "/p", {**body, "a": 2}),
    }

    assert 4 == len(keys)
    assert key_of("d", "/p", {"b": [1], "a": 1}) in keys


class AsKept(RuleBasedStateMachine):
    """Two processes' worth of one file, against what may be in it."""

    @initialize(entries=st.integers(1, 6), room=st.integers(300, 3000))
    def begin(self, entries, room):
        self.folder = tempfile.TemporaryDirectory()
        self.limits = Limits(entries, room, 100, memory_entries=3, memory_bytes=500)
        self.time, self.known = Time(), {}
        self.open()

    def open(self):
        self.cache = AnswerCache(Path(self.folder.name) / "f", self.limits, self.time.clock)

    @rule(number=st.integers(0, 9), size=st.integers(0, 900))
    def put(self, number, size):
        text = str(number) * size
        self.cache.put(bytes([number]), text)
        if size + ROW_BYTES <= self.limits.bytes:
            self.known[number] = text, self.time.at
            assert text == self.cache.get(bytes([number]))

    @rule(number=st.integers(0, 9))
    def get(self, number):
        found = self.cache.get(bytes([number]))
        if found is not None:
            text, at = self.known[number]
            assert text == found
            assert self.time.at - at < timedelta(seconds=100)

    @rule(seconds=st.integers(0, 70))
    def wait(self, seconds):
        self.time.pass_(seconds)

    @rule()
    def begin_again(self):
        self.cache.close()
        self.open()

    @rule()
    def clear(self):
        self.cache.clear()
        self.known = {}

    @invariant()
    def limits_hold(self):
        entries, filled = self.cache.size()
        memory = self.cache._memory
        assert entries <= self.limits.entries
        assert filled <= self.limits.bytes
        assert len(memory) <= 3
        assert memory.bytes <= 500
        assert memory.bytes == sum(len(text) for _, text in memory._known.values())

    def teardown(self):
        if hasattr(self, "cache"):
            self.cache.close()
            self.folder.cleanup()


TestAsKept = AsKept.TestCase
TestAsKept.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
