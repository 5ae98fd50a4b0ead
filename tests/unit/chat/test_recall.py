# SPDX-License-Identifier: Apache-2.0
"""Passages for a question: in a conversation every sign is only a sign."""

import asyncio

from hypothesis import given
from hypothesis import strategies as some

from beast_ops.chat.model import Question
from beast_ops.chat.recall import PASSAGES, recall, words
from beast_ops.errors import UsageError
from beast_ops.llm.chat import Turn
from beast_ops.search.model import QUERY_CHARACTERS, Answer, Hit, SearchOptions
from beast_ops.search.query import parse

SIGNS = some.sampled_from(
    ['"', "-", "type:", "tag:", "before:", "after:", "source:", "a", " ", "\n"]
)


def a_hit(name):
    return Hit(1.0, name, f"file://host/{name}", name)


def finding(found):
    asked = []

    async def search(query, options):
        asked.append((query, options))
        hits = tuple(map(a_hit, found.get(query, ())))
        return Answer(query, options.collection, "lexical", hits, 0.0, "found by words only")

    return search, asked


def test_a_question_is_searched_for_as_it_is():
    search, asked = finding({"How often?": ["a", "b"]})

    found = asyncio.run(recall(search, Question("How often?", "docs")))

    assert ["a", "b"] == [hit.chunk for hit in found.hits]
    assert "found by words only" == found.note
    [(_, options)] = asked
    assert ("docs", PASSAGES, True) == (options.collection, options.limit, options.whole)


def test_a_question_in_a_conversation_is_searched_for_with_the_one_before():
    search, asked = finding(
        {"And how often?": ["a", "b"], "Rotate keys? And how often?": ["b", "c"]}
    )
    said = (Turn("user", "Hello"), Turn("user", "Rotate keys?"), Turn("assistant", "Yes."))

    found = asyncio.run(recall(search, Question("And how often?", "docs", said)))

    assert ["And how often?", "Rotate keys? And how often?"] == [query for query, _ in asked]
    assert "b" == found.hits[0].chunk
    assert {"a", "b", "c"} == {hit.chunk for hit in found.hits}
    assert "found by words only" == found.note


def test_a_question_without_words_finds_nothing():
    search, asked = finding({})

    assert () == asyncio.run(recall(search, Question('"" --', "docs"))).hits
    assert [] == asked


def test_of_a_long_text_the_end_is_searched_for():
    assert words("x" * QUERY_CHARACTERS + " the question?").endswith(" the question?")


@given(some.lists(some.one_of(SIGNS, some.text(max_size=5)), max_size=20).map("".join))
def test_no_question_filters_or_excludes(text):
    query = words(text)
    if not query:
        return
    try:
        parsed, options = parse(query, SearchOptions())
    except UsageError:
        raise AssertionError(query) from None

    assert not parsed.conditions
    assert SearchOptions() == options
