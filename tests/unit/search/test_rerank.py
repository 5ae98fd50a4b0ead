# SPDX-License-Identifier: Apache-2.0
"""Passages in a new order: within a deadline, or as they were with a word on why."""

import asyncio
import threading

import pytest

from beast_ops.clock import Clock
from beast_ops.errors import ServiceError, UnavailableError
from beast_ops.llm.rerank import Scores
from beast_ops.search.hybrid import Searcher
from beast_ops.search.model import SearchOptions
from beast_ops.search.rerank import REST_SECONDS, Reranking, RerankSettings
from beast_ops.search.store import Found, open_store
from tests import tiny_models
from tests.unit.search.test_hybrid import ANIMALS, embedding

FOUND = tuple(
    Found(str(n), 1 / (n + 1), {"text": text}) for n, text in enumerate(["a", "bbb", "bb", "cc"])
)


class Double:
    """A reranker that scores by length, or misbehaves as it is told."""

    title = "double m"

    def __init__(self, act=None):
        self.act, self.asked, self.closed = act, 0, 0

    def score(self, _question, passages, _seconds):
        self.asked += 1
        return self.act() if self.act else Scores(tuple(float(len(each)) for each in passages))

    def close(self):
        self.closed += 1


class Now:
    """A clock that is moved by hand."""

    def __init__(self):
        self.seconds = 0.0

    def clock(self):
        return Clock(monotonic=lambda: self.seconds)


def order(double, found=FOUND, settings=None, clock=None):
    reranking = Reranking(
        lambda: settings or RerankSettings("fastembed", "m", seconds=0.5),
        clock=clock or Now().clock(),
        make=lambda *_: double,
    )
    return reranking, asyncio.run(reranking.order("q", found))


def ids(made):
    return [point.id for point in made.found]


def test_the_best_come_first_and_equals_keep_their_order():
    _, made = order(Double())

    assert ["1", "2", "3", "0"] == ids(made)
    assert [3, 2, 2, 1] == [point.score for point in made.found]
    assert ("double m", "") == (made.title, made.note)


def raising(failure):
    def act():
        raise failure

    return act


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (raising(UnavailableError("it is away")), "it is away"),
        (raising(ServiceError("it refuses")), "it refuses"),
        (raising(RuntimeError("secret")), "RuntimeError"),
        (raising(MemoryError()), "MemoryError"),
        (lambda: Scores((1.0,)), "no scores that fit"),
        (lambda: Scores((1.0, 2.0, float("nan"), 3.0)), "no scores that fit"),
        (lambda: Scores((1.0, 2.0, float("inf"), 3.0)), "no scores that fit"),
    ],
)
def test_whatever_goes_wrong_the_order_stays_and_it_is_said(act, said):
    _, made = order(Double(act))

    assert FOUND == made.found
    assert "" == made.title
    assert said in made.note
    assert "in the order of words and meaning" in made.note
    assert "secret" not in made.note


def test_one_that_hangs_costs_no_more_than_the_deadline():
    gate = threading.Event()

    _, made = order(Double(lambda: gate.wait(20)))
    gate.set()

    assert FOUND == made.found
    assert "took longer than 0.5 s" in made.note


def test_after_a_failure_it_rests_and_is_then_asked_again():
    now, double = Now(), Double(raising(UnavailableError("away")))
    reranking, first = order(double, clock=now.clock())
    now.seconds += REST_SECONDS - 1
    second = asyncio.run(reranking.order("q", FOUND))
    now.seconds += 2
    double.act = None
    third = asyncio.run(reranking.order("q", FOUND))

    assert first.note == second.note
    assert 2 == double.asked
    assert "double m" == third.title


def test_other_settings_make_another_one_at_once():
    now, made = Now(), []
    settings = [RerankSettings("fastembed", "one")]

    def make(*_):
        made.append(Double(raising(UnavailableError("away")) if not made else None))
        return made[-1]

    reranking = Reranking(lambda: settings[0], clock=now.clock(), make=make)
    asyncio.run(reranking.order("q", FOUND))
    settings[0] = RerankSettings("fastembed", "two")
    second = asyncio.run(reranking.order("q", FOUND))
    reranking.close()

    assert "double m" == second.title
    assert [1, 1] == [each.closed for each in made]


def test_nothing_found_asks_nobody():
    double = Double()
    _, made = order(double, ())

    assert ((), 0) == (made.found, double.asked)


def test_where_nothing_is_set_the_answer_says_which_setting():
    made = asyncio.run(Reranking().order("q", FOUND))

    assert FOUND == made.found
    assert "beast_api_rerank" in made.note


def test_what_was_not_read_whole_is_said():
    _, made = order(Double(lambda: Scores((1.0, 2.0, 3.0, 4.0), cut=2)))

    assert "double m" == made.title
    assert "of 2 passages the reranker read the beginning only" == made.note


@pytest.fixture
def find(vectors, tmp_path):
    """Search the two collections of this room with a real cross-encoder of our own making."""
    tiny_models.cross_encoder(tmp_path / "cross")

    def finding(query, kind="fastembed", **said):
        async def go():
            settings = RerankSettings(kind, "cross", str(tmp_path), candidates=3)
            async with open_store(*vectors) as store:
                reranking = Reranking(lambda: settings)
                searcher = Searcher(store, embedding(*ANIMALS), reranking=reranking)
                return await searcher.search(query, SearchOptions(**said))

        return asyncio.run(go())

    return finding


def test_a_search_is_ordered_anew_where_that_is_asked_for(find):
    plain = find("key of dogs", limit=3, mode="dense")
    anew = find("key of dogs", limit=3, mode="dense", rerank=True, explain=True)

    assert {hit.source for hit in plain.hits} == {hit.source for hit in anew.hits}
    assert "fastembed cross" == anew.reranker == anew.as_dict()["reranker"]
    assert "" == plain.reranker
    assert "reranker" not in plain.as_dict()
    assert [1, 2, 3] == [hit.ranks["rerank"]["rank"] for hit in anew.hits]
    assert {1, 2, 3} == {hit.ranks["fused"]["rank"] for hit in anew.hits}
    assert [hit.score for hit in anew.hits] == [hit.ranks["rerank"]["score"] for hit in anew.hits]


def test_more_is_looked_at_than_is_brought(find):
    query = "dog key key key"
    best = find(query, limit=3, mode="dense", rerank=True).hits[0]

    assert [best.chunk] == [
        hit.chunk for hit in find(query, limit=1, mode="dense", rerank=True).hits
    ]


def test_without_a_reranker_a_search_answers_all_the_same_and_says_so(find):
    answer = find("sleeping cats", kind="none", limit=2, rerank=True, explain=True)

    assert 2 == len(answer.hits)
    assert "beast_api_rerank" in answer.note
    assert {"dense", "lexical", "fused"} == set(answer.hits[0].ranks)


def test_groups_filters_and_variety_hold_in_the_new_order(find):
    answer = find("cats -dogs", limit=2, group=1, mmr=0.5, rerank=True)

    assert answer.hits
    assert all("ogs" not in hit.text for hit in answer.hits)
    assert "fastembed cross" == answer.reranker
