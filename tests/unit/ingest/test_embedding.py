# SPDX-License-Identifier: Apache-2.0
"""Vectors of several batches at once, in their order all the same."""

import threading
import time

import numpy as np
import pytest

from beast_ops.errors import UnavailableError
from beast_ops.ingest.embedding import Embedded, Embedding, joined
from beast_ops.ingest.store import Point
from beast_ops.ingest.target import Target
from beast_ops.llm import TextError
from beast_ops.llm.ollama import BATCH

SECONDS = 20


class Slow:
    """An embedder that answers only once so many ask it at the same time."""

    name = model = "slow"
    dimension = 1

    def __init__(self, together):
        self.gate = threading.Barrier(together, timeout=SECONDS)

    def embed_documents(self, texts):
        self.gate.wait()
        return np.array([[float(text)] for text in texts], np.float32)

    def embed_query(self, text):
        raise AssertionError(text)

    def close(self):
        pass


class Failing(Slow):
    """An embedder that fails with what it was given."""

    def __init__(self, failure):
        super().__init__(1)
        self.failure = failure

    def embed_documents(self, _texts):
        raise self.failure


def points(*numbers):
    return [
        ("file://h/a", Point(str(n), {"text": str(n), "path": "a", "title": "", "heading": []}))
        for n in numbers
    ]


def test_several_batches_are_embedded_at_the_same_time_and_come_in_order():
    with Embedding(Target("docs--1", None, Slow(3)), 3) as embedding:
        waiting = [embedding.begin(points(number, number + 10)) for number in range(3)]
        made = [wait() for wait in waiting]

    assert [["0", "10"], ["1", "11"], ["2", "12"]] == [
        [point.id for _, point in each.points] for each in made
    ]
    assert [[0.0], [10.0]] == [point.dense.tolist() for _, point in made[0].points]


def test_what_the_model_refuses_is_named_by_its_place():
    vectors = np.array([[1.0], [0.0]], np.float32)
    failing = Failing(TextError({1: "too long"}, vectors))

    with Embedding(Target("docs--1", None, failing), 1) as embedding:
        made = embedding.begin(points(1, 2))()

    assert {1: "too long"} == made.reasons


def test_a_server_that_is_away_is_noticed_where_one_waits():
    with Embedding(Target("docs--1", None, Failing(UnavailableError("away"))), 1) as embedding:
        wait = embedding.begin(points(1))
        with pytest.raises(UnavailableError, match="away"):
            wait()


def test_after_a_failure_nothing_new_is_begun():
    asked = []

    class Counting(Slow):
        def embed_documents(self, texts):
            asked.append(list(texts))
            time.sleep(0.05)
            return np.zeros((len(texts), 1), np.float32)

    def fail():
        with Embedding(Target("docs--1", None, Counting(1)), 1) as embedding:
            for number in range(50):
                embedding.begin(points(number))
            raise UnavailableError("away")

    with pytest.raises(UnavailableError):
        fail()
    assert len(asked) <= 2


class Served(Slow):
    """An embedder with a model server, which refuses some texts and cuts none."""

    name = "ollama"

    def __init__(self, together, refused=()):
        super().__init__(together)
        self.refused, self.asked = refused, []

    def embed_documents(self, texts):
        self.asked.append(len(texts))
        vectors = super().embed_documents(texts)
        reasons = {n: "refused" for n, text in enumerate(texts) if int(text) in self.refused}
        if reasons:
            raise TextError(reasons, vectors)
        return vectors


def test_parts_of_a_batch_are_asked_for_at_the_same_time_and_come_as_a_whole():
    count = 2 * BATCH + 5
    served = Served(3, refused={1, BATCH + 3, count - 1})
    with Embedding(Target("docs--1", None, served), 3) as embedding:
        made = embedding.begin(points(*range(count)))()

    assert [5, BATCH, BATCH] == sorted(served.asked)
    assert [str(n) for n in range(count)] == [point.id for _, point in made.points]
    assert {1, BATCH + 3, count - 1} == set(made.reasons)
    assert [[float(n)] for n in range(count)] == [each.dense.tolist() for _, each in made.points]


def test_places_of_what_was_cut_are_those_of_the_whole_batch():
    parts = [
        Embedded(points(0, 1), {}, frozenset({1})),
        Embedded(points(2, 3), {0: "no"}, frozenset({1})),
    ]

    whole = joined(parts)

    assert frozenset({1, 3}) == whole.cut
    assert {2: "no"} == whole.reasons


def test_a_batch_without_points_needs_nobody():
    with Embedding(Target("docs--1", None, Served(1)), 1) as embedding:
        assert [] == list(embedding.begin([])().points)
