# SPDX-License-Identifier: Apache-2.0
"""Answers to similar prompts: only where all else is the same, near enough, and within bounds."""

import asyncio
import sqlite3
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from beast_ops import http
from beast_ops.clock import Clock
from beast_ops.errors import UnavailableError
from beast_ops.llm import remembered
from beast_ops.llm.answers import AnswerCache
from beast_ops.llm.chat import ChatServer, Request, Turn
from beast_ops.llm.hashing import HashEmbedder
from beast_ops.llm.remembered import Remembering
from beast_ops.llm.similar import ROW_BYTES, Bounds, Similar, SimilarCache
from beast_ops.llm.testing import WRITES, fake_ollama
from beast_ops.llm.wire import Terms
from beast_ops.resilience import Guards

LEAST = 0.9
FRANCE = Request(WRITES, (Turn("user", "What is the capital of France?"),), {"temperature": 0})
AGAIN = replace(FRANCE, turns=(Turn("user", "Please, what is the capital of France"),))
SYSTEM = Turn("system", "Be brief.")


class Time:
    """A clock that tests move."""

    def __init__(self):
        self.seconds = 0.0
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        now = lambda: begin + timedelta(seconds=self.seconds)  # noqa: E731 - a clock
        self.clock = Clock(now=now, monotonic=lambda: self.seconds)


async def embed(text):
    return HashEmbedder(64).embed_query(text)


async def away(_):
    raise UnavailableError("away")


def nothing(_double, _time):
    pass


def sources(tmp_path, *asked, between=nothing, way=embed, least=LEAST):
    """Return where the answers to *asked* came from, asked one after the other."""
    time, found = Time(), []

    async def main(double):
        async with http.async_client(double.url, seconds=30) as client:
            similar = Similar(near, way, "hash", least)
            server = ChatServer(client, Terms(guards=Guards()))
            models = Remembering(server, answers, time.clock, similar)
            for each in asked:
                found.append((await models.answer(each)).source)
                between(double, time)

    with (
        fake_ollama() as double,
        AnswerCache(tmp_path / "a", clock=time.clock) as answers,
        SimilarCache(tmp_path / "s", clock=time.clock) as near,
    ):
        asyncio.run(main(double))
    return found


def test_the_same_put_otherwise_is_found_and_the_very_same_is_no_similar_one(tmp_path):
    assert ["model", "similar", "cache"] == sources(tmp_path, FRANCE, AGAIN, FRANCE)


@pytest.mark.parametrize(
    "other",
    [
        replace(AGAIN, options={"temperature": 0, "num_predict": 9}),
        replace(AGAIN, options={"temperature": 0, "seed": 1}),
        replace(AGAIN, turns=(SYSTEM, *AGAIN.turns)),
        replace(AGAIN, turns=(Turn("user", "Hi"), Turn("assistant", "Hello"), *AGAIN.turns)),
        replace(AGAIN, turns=(Turn("user", "Please, what is the capital of Spain"),)),
        replace(AGAIN, turns=(*AGAIN.turns, Turn("assistant", "It is"))),
        replace(AGAIN, options={"temperature": 0.1}),
        replace(AGAIN, options={}),
    ],
)
def test_whatever_else_differs_is_asked(tmp_path, other):
    assert ["model", "model"] == sources(tmp_path, FRANCE, other)


@pytest.mark.parametrize(
    "before",
    [
        (Turn("system", "Translate what I say to German."),),
        (Turn("user", "Translate what I say from now on."), Turn("assistant", "Go on.")),
    ],
)
def test_what_follows_something_is_asked_for_it_may_be_a_text_to_work_on(tmp_path, before):
    first, second = (replace(each, turns=(*before, *each.turns)) for each in (FRANCE, AGAIN))

    assert ["model", "model", "cache"] == sources(tmp_path, first, second, first)


def test_other_weights_are_asked(tmp_path):
    def between(double, time):
        double.digests[WRITES] = "1" * 64
        time.seconds += remembered.FRESH_SECONDS + 1

    assert ["model", "model"] == sources(tmp_path, FRANCE, AGAIN, between=between)


def test_what_is_too_old_is_asked(tmp_path):
    def between(_double, time):
        time.seconds += 3601

    assert ["model", "model"] == sources(tmp_path, FRANCE, AGAIN, between=between)


def test_what_is_not_close_enough_is_asked(tmp_path):
    assert ["model", "model"] == sources(tmp_path, FRANCE, AGAIN, least=0.999)


def test_without_vectors_the_model_is_asked(tmp_path):
    assert ["model", "model"] == sources(tmp_path, FRANCE, AGAIN, way=away)


def test_another_embedder_compares_nothing(tmp_path):
    async def main(cache):
        first = await Similar(cache, embed, "one", LEAST).ask([], "What is that?")
        first.keep("answer")
        again = await Similar(cache, embed, "other", LEAST).ask([], "What is that?")
        same = await Similar(cache, embed, "one", LEAST).ask([], "What is that?")
        return first.found, again.found, same.found.text

    with SimilarCache(tmp_path / "s") as cache:
        assert (None, None, "answer") == asyncio.run(main(cache))


def test_the_nearest_is_found(tmp_path):
    with SimilarCache(tmp_path / "s") as cache:
        for angle in (0.0, 0.1, 0.2):
            cache.put(b"s", [np.cos(angle), np.sin(angle)], str(angle))

        found = cache.find(b"s", [np.cos(0.11), np.sin(0.11)], LEAST)

    assert "0.1" == found.text
    assert 0.999 < found.closeness <= 1


@pytest.mark.parametrize("vector", [[0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_a_vector_that_is_none_finds_and_keeps_nothing(tmp_path, vector):
    with SimilarCache(tmp_path / "s") as cache:
        cache.put(b"s", [1.0, 0.0], "good")
        cache.put(b"s", vector, "bad")

        assert 1 == cache.size()[0]
        assert cache.find(b"s", vector, LEAST) is None


def test_what_the_disk_changed_is_no_answer(tmp_path):
    with SimilarCache(tmp_path / "s") as cache:
        cache.put(b"s", [1.0, 0.0], "yes")
    with sqlite3.connect(tmp_path / "s") as other:
        other.execute("UPDATE similar SET text = 'no'")
    other.close()

    with SimilarCache(tmp_path / "s") as cache:
        assert cache.find(b"s", [1.0, 0.0], LEAST) is None


def test_a_file_that_is_none_is_begun_anew(tmp_path):
    (tmp_path / "s").write_bytes(b"no database" * 1000)

    with SimilarCache(tmp_path / "s") as cache:
        cache.put(b"s", [1.0, 0.0], "yes")
        assert "yes" == cache.find(b"s", [1.0, 0.0], LEAST).text


class AsKept(RuleBasedStateMachine):
    """What is kept and found, against a list of all that was ever kept."""

    @initialize()
    def begin(self):
        self.folder, self.time, self.kept = tempfile.TemporaryDirectory(), Time(), []
        self.bounds = Bounds(4, 4 * (ROW_BYTES + 8 + 40), 100)
        self.open()

    def open(self):
        self.cache = SimilarCache(Path(self.folder.name) / "f", self.bounds, self.time.clock)

    @rule(scope=st.sampled_from([b"a", b"b"]), angle=st.integers(0, 7), size=st.integers(0, 60))
    def put(self, scope, angle, size):
        text = f"{len(self.kept)} ".ljust(size, "x")
        self.cache.put(scope, vector(angle), text)
        self.kept.append((scope, angle, text, self.time.seconds))

    @rule(scope=st.sampled_from([b"a", b"b"]), angle=st.integers(0, 7))
    def find(self, scope, angle):
        found = self.cache.find(scope, vector(angle), LEAST)
        if found is not None:
            [(place, of, at)] = [
                (each[0], each[1], each[3]) for each in self.kept if each[2] == found.text
            ]
            assert scope == place
            assert np.dot(vector(angle), vector(of)) >= LEAST - 1e-6
            assert self.time.seconds - at < self.bounds.seconds

    @rule(seconds=st.integers(0, 70))
    def wait(self, seconds):
        self.time.seconds += seconds

    @rule()
    def begin_again(self):
        self.cache.close()
        self.open()

    @rule()
    def clear(self):
        self.cache.clear()
        self.kept = []

    @invariant()
    def bounds_hold(self):
        entries, filled = self.cache.size()
        assert entries <= self.bounds.entries
        assert filled <= self.bounds.bytes

    def teardown(self):
        if hasattr(self, "cache"):
            self.cache.close()
            self.folder.cleanup()


def vector(angle):
    return np.array([np.cos(angle / 5), np.sin(angle / 5)], np.float32)


TestAsKept = AsKept.TestCase
TestAsKept.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
