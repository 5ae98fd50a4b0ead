# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.search.choose import (
    FIRST_LOOK,
    POOL_LEAST,
    POOL_MOST,
    WIDE_MOST,
    candidates,
    choose,
    diverse,
    grouped,
)
from beast_ops.search.model import LIMIT_MOST, SearchOptions
from beast_ops.search.query import Parsed
from beast_ops.search.store import Found

ALL = Parsed("words")


def point(ident, score=1.0, source="s", vector=None, text=""):
    return Found(ident, score, {"source": source, "text": text}, vector)


def ids(points):
    return [each.id for each in points]


TWINS = [
    point("a", 1.0, vector=[1.0, 0.0]),
    point("a again", 0.9, vector=[2.0, 0.01]),
    point("b", 0.5, vector=[0.0, 3.0]),
    point("c", 0.0, vector=[-1.0, 0.0]),
]


@pytest.mark.parametrize(
    ("relevance", "expected"),
    [(1.0, ["a", "a again", "b"]), (0.7, ["a", "b", "a again"]), (0.0, ["a", "c", "b"])],
)
def test_what_says_the_same_again_waits(relevance, expected):
    assert expected == ids(diverse(TWINS, relevance, 3))


def test_words_are_compared_where_there_is_no_meaning():
    points = [
        point("a", 1.0, vector=([1, 2], [1.0, 1.0])),
        point("a again", 0.9, vector=([2, 1], [2.0, 2.0])),
        point("b", 0.5, vector=([7], [1.0])),
        point("none", 0.4),
    ]

    assert ["a", "b", "none", "a again"] == ids(diverse(points, 0.5, 4))


def test_a_vector_that_is_missing_or_zero_is_like_nothing():
    points = [point("a", vector=[1.0, 0.0]), point("zero", vector=[0.0, 0.0]), point("none")]

    assert ["a", "zero", "none"] == ids(diverse(points, 0.5, 9))


@given(
    st.lists(
        st.tuples(st.integers(-9, 9), st.lists(st.floats(-1, 1), min_size=3, max_size=3)),
    ),
    st.sampled_from([0.1, 0.5, 0.7, 1.0]),
    st.integers(0, 12),
)
def test_variety_loses_and_doubles_nothing(rows, relevance, count):
    points = [point(str(n), score, vector=vector) for n, (score, vector) in enumerate(rows)]

    found = diverse(points, relevance, count)

    assert len(found) == min(count, len(points))
    assert len(set(ids(found))) == len(found)
    if found:
        assert found[0].score == max(each.score for each in points)


def test_groups_stand_together_in_the_order_of_their_best():
    points = [point("a1", source="a"), point("b1", source="b"), point("a2", source="a"),
              point("a3", source="a"), point("c1", source="c")]  # fmt: skip

    assert ["a1", "a2", "b1"] == ids(grouped(points, 2, 2))
    assert ["a1", "b1", "c1"] == ids(grouped(points, 1, 9))


def test_variety_and_groups_go_together():
    points = [
        point("a", 1.0, "x", [1.0, 0.0]),
        point("a again", 0.9, "y", [1.0, 0.0]),
        point("b", 0.5, "x", [0.0, 1.0]),
    ]

    found = choose(points, ALL, SearchOptions(limit=2, group=1, mmr=0.4))

    assert ["a", "a again"] == ids(found)


def test_phrases_and_exclusions_are_judged_by_the_text():
    points = [
        point("no", text="one two"),
        point("yes", text="Two  one"),
        point("bad", text="two one x"),
    ]

    found = choose(points, Parsed("w", ("two one",), ("x",)), SearchOptions())

    assert ["yes"] == ids(found)


@pytest.mark.parametrize(
    ("options", "asked", "expected"),
    [
        (SearchOptions(limit=7), ALL, 7),
        (SearchOptions(limit=7), Parsed("w", ("p",)), (FIRST_LOOK, WIDE_MOST)),
        (SearchOptions(limit=7), Parsed("w", (), ("x",)), 140),
        (SearchOptions(limit=7, group=1), ALL, 140),
        (SearchOptions(limit=7, source="*.md"), ALL, 140),
        (SearchOptions(limit=7, mmr=0.5), ALL, POOL_LEAST),
        (SearchOptions(limit=LIMIT_MOST, mmr=0.5), ALL, POOL_MOST),
        (SearchOptions(limit=LIMIT_MOST, group=1), ALL, WIDE_MOST),
    ],
)
def test_more_candidates_are_asked_for_where_some_will_go(options, asked, expected):
    assert (expected if isinstance(expected, tuple) else (expected,)) == candidates(options, asked)
