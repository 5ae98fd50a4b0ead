# SPDX-License-Identifier: Apache-2.0
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beast_ops.errors import UsageError
from beast_ops.search.model import SearchOptions
from beast_ops.search.query import Parsed, parse

USUAL = SearchOptions()
# What the language is made of, so that random queries meet its corners.
PIECES = st.sampled_from(
    ['"', "-", " ", "type:", "after:", "2026-01-31", "word", "a", "ü", "\u3000", "?", ":", "tag:x"]
)


def parsed(query, options=USUAL):
    return parse(query, options)[0]


@pytest.mark.parametrize(
    ("query", "text", "phrases", "excluded"),
    [
        ("rotate the keys", "rotate the keys", (), ()),
        ('rotate "the master key" now', "rotate the master key now", ("the master key",), ()),
        ('what is "a key"?', "what is a key", ("a key",), ()),
        ("keys -draft -Old", "keys", (), ("draft", "Old")),
        ('keys -"first draft"', "keys", (), ("first draft",)),
        ('keys "-draft"', "keys -draft", ("-draft",), ()),
        ('find "type:ignore"', "find type:ignore", ("type:ignore",), ()),
        ("git commit --amend", "git commit --amend", (), ()),
        ("tar -x -5 - --", "tar -x -5 - --", (), ()),
        ("std::vector http://x.y/z type: md", "std::vector http://x.y/z type: md", (), ()),
        ('a 5" disk', 'a 5" disk', (), ()),
        ('5"x 3"y', '5"x 3"y', (), ()),
        ('"unbalanced', '"unbalanced', (), ()),
        ('"a"b c', '"a"b c', (), ()),
        ('x "" y', "x y", (), ()),
        ('x " " y', "x y", (), ()),
        ("well-known state-of-the-art", "well-known state-of-the-art", (), ()),
        ("keys -über", "keys", (), ("über",)),
    ],
)
def test_a_query_is_taken_apart(query, text, phrases, excluded):
    assert Parsed(text, phrases, excluded) == parsed(query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("keys type:pdf", {"type": "pdf"}),
        ("type:pdf, keys tag:work?", {"type": "pdf", "tag": "work"}),
        ('keys tag:"two words."', {"tag": "two words."}),
        ("keys source:/docs/*.md", {"source": "/docs/*.md"}),
        (
            "keys after:2026-01-31 before:2026-02-01.",
            {"after": "2026-01-31", "before": "2026-02-01"},
        ),
        ("keys type:pdf type:pdf", {"type": "pdf"}),
    ],
)
def test_filters_join_the_options(query, expected):
    found, options = parse(query, USUAL)

    assert found.text == "keys"
    assert {name: getattr(options, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("query", "options", "said"),
    [
        ("keys type:pdf type:md", USUAL, "two values"),
        ("keys type:pdf", SearchOptions(type="md"), "two values"),
        ("keys after:yesterday", USUAL, "not a day"),
        ("keys after:2026-02-30", USUAL, "not a day"),
        ("keys after:20260131", USUAL, "not a day"),
        ("keys", SearchOptions(before="1.2.2026"), "not a day"),
        ("keys -type:pdf", USUAL, "only words and phrases"),
        ("-draft", USUAL, "nothing else"),
        ("type:pdf", USUAL, "nothing else"),
        ('""', USUAL, "nothing else"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(query, options, said):
    with pytest.raises(UsageError, match=said):
        parse(query, options)


def test_an_option_and_the_same_in_the_query_agree():
    assert parse("keys type:pdf", SearchOptions(type="pdf"))[1].type == "pdf"


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
@example('-"')
@example('type:"')
@example("type:\u00b2")
@example('"\x1c"')
def test_any_text_is_a_query_or_refused(query):
    with suppress(UsageError):
        found, options = parse(query, USUAL)
        assert found.text
        assert found.text == " ".join(found.text.split())
        assert options.limit == USUAL.limit
        assert all(each in query for each in (*found.phrases, *found.excluded))
        assert isinstance(found.fits(query), bool)


@given(st.text(st.characters(categories=["L", "N"]), min_size=1))
def test_one_word_without_signs_is_searched_for_as_it_is(word):
    assert parse(word, USUAL) == (Parsed(word), USUAL)


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=1))
def test_whatever_stands_in_quotes_must_stand_in_the_passage(words):
    phrase = " ".join(words)
    found = parsed(f'"{phrase}"')

    assert found.phrases == (phrase,)
    assert found.fits(f"before {phrase.upper().lower()} after") or not found.fits(phrase.upper())
    assert found.fits(f"before\n{phrase}  after")
    assert not found.fits("")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Rotate the\n  MASTER key.", True),
        ("the master keys", False),
        ("the grandmaster key", False),
        ("the master key, a draft", False),
        ("the master key, drafted", True),
    ],
)
def test_phrases_are_whole_words_in_any_case_and_layout(text, fits):
    assert fits is parsed('"master key" -draft').fits(text)
