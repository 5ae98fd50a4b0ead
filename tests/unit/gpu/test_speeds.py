# SPDX-License-Identifier: Apache-2.0
"""How fast models usually are: learned from answers, kept over restarts, and not by a trick."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.errors import BeastError
from beast_ops.gpu import speeds
from beast_ops.llm.paces import Answered

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DIGESTS = {"a:latest": "one"}


def answers(*tokens_per_second, at=NOW, model="a", server="s", tokens=200):
    moment = at.timestamp()
    return [Answered(server, model, tokens, tokens / speed, moment) for speed in tokens_per_second]


def known(*speed, digests=DIGESTS, book=None, now=NOW):
    return speeds.learned(book or speeds.Book(), answers(*speed, at=now), digests, now)


def pace(book, digests=DIGESTS, server="s"):
    (found,) = speeds.paces(book, server, digests)
    return found


def test_few_answers_make_no_usual_speed():
    assert None is pace(known(*[80.0] * 9)).usual


def test_what_is_usual_is_what_the_faster_quarter_has():
    """Questions that share the GPU are slower, and are not what it can do."""
    assert 100.0 == pace(known(*[40.0] * 8, *[100.0] * 8)).usual


def test_a_model_that_fell_to_the_cpu_is_seen_after_five_answers():
    book = known(*[100.0] * 20)
    for expected in (False, False, True, True, True):  # three of five are more than half
        book = known(8.0, book=book)
        assert expected is pace(book).fallen


def test_two_slow_answers_are_chance():
    assert not pace(known(*[100.0] * 20, 5.0, 5.0)).fallen


def test_what_fell_does_not_become_usual_by_being_often():
    book = known(*[100.0] * 20, *[8.0] * 500)

    assert 100.0 == pace(book).usual
    assert pace(book).fallen


def test_after_two_weeks_it_does():
    """Who took the GPU out, or chose a larger context, is not reminded for ever."""
    book = known(*[100.0] * 20, *[8.0] * 5)
    later = NOW + speeds.KEPT + timedelta(seconds=1)
    book = known(*[8.0] * 20, book=book, now=later)

    assert 8.0 == pace(book).usual
    assert not pace(book).fallen


def test_another_version_of_a_model_begins_anew():
    book = known(*[100.0] * 20)
    newer = {"a:latest": "two"}

    assert () == speeds.paces(book, "s", newer)
    assert 5 == len(known(*[8.0] * 5, digests=newer, book=book).lines[-1].recent)


def test_another_server_has_its_own():
    assert () == speeds.paces(known(*[100.0] * 20), "elsewhere", DIGESTS)


@pytest.mark.parametrize(
    "said",
    [
        Answered("s", "a", speeds.LEAST_TOKENS - 1, 1.0, NOW.timestamp()),
        Answered("s", "a", 200, 0.0, NOW.timestamp()),
        Answered("s", "unknown", 200, 1.0, NOW.timestamp()),
    ],
    ids=["short", "no time", "no digest"],
)
def test_nothing_is_learned_from_what_says_nothing(said):
    assert speeds.Book() == speeds.learned(speeds.Book(), [said], DIGESTS, NOW)


def test_it_is_kept(tmp_path):
    path, book = tmp_path / "speeds.json", known(*[100.0] * 20, 3.0)
    speeds.write(path, book)

    assert book == speeds.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 2, "lines": []}', b'{"version": 1, "lines": [{}]}']
)
def test_what_is_damaged_is_begun_anew(tmp_path, content):
    path = tmp_path / "speeds.json"
    path.write_bytes(content)

    assert speeds.Book() == speeds.read(path)


def test_that_it_cannot_be_kept_is_said(tmp_path):
    with pytest.raises(BeastError, match="cannot keep"):
        speeds.write(tmp_path / "nowhere" / "speeds.json", speeds.Book())


def test_models_are_bounded():
    digests = {f"m{number}:latest": "d" for number in range(speeds.MODELS + 5)}
    book = speeds.Book()
    for number in range(len(digests)):
        when = NOW + timedelta(seconds=number)
        book = speeds.learned(book, answers(9.0, model=f"m{number}", at=when), digests, when)

    assert speeds.MODELS == len(book.lines)
    assert {"m0:latest", "m4:latest"} & {each.model for each in book.lines} == set()


@given(st.lists(st.floats(0.01, 5000), max_size=120), st.randoms(use_true_random=False))
def test_a_book_is_bounded_and_readable_whatever_it_learned(found, chance):
    book = speeds.Book()
    while found:
        many = chance.randint(1, len(found))
        book, found = known(*found[:many], book=book), found[many:]
    for line in book.lines:
        assert len(line.usual) <= speeds.MOST
        assert len(line.recent) <= speeds.RECENT

    assert book == speeds.Book.model_validate_json(book.model_dump_json())


def test_a_steady_model_is_never_called_slow(seed):
    """Neither noise nor sharing among three brings it below a quarter."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    book = known(*[90.0] * 20)
    for _ in range(300):
        book = known(chance.uniform(80, 100) / chance.choice((1, 1, 2, 3)), book=book)
        assert not pace(book).fallen
