# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.errors import UsageError
from beast_ops.search.model import QUERY_CHARACTERS, Answer, Hit, clean


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("plain", "plain"),
        ("  bare ends\n", "bare ends"),
        ("a\x00b\x1b[31mc\x7fd", "a b [31mc d"),
        ("tab\tand\r\nline", "tab and line"),
        ("hidden \u202eorder", "hidden  order"),
        ("Straße 日本 🎉", "Straße 日本 🎉"),
        ("-dash", "-dash"),
        ("x" * QUERY_CHARACTERS, "x" * QUERY_CHARACTERS),
    ],
)
def test_a_query_is_cleaned(query, expected):
    assert expected == clean(query)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "empty"),
        (" \t\n\u3000", "empty"),
        ("\x00\x01\x1f", "empty"),
        ("x" * (QUERY_CHARACTERS + 1), "8001 characters, at most 8000"),
        ("x" * 100_000, "100000 characters"),
        ("half \ud800", "not valid text"),
        ("\udc41", "not valid text"),
    ],
)
def test_a_query_that_cannot_be_searched_for_is_refused_with_a_reason(query, reason):
    with pytest.raises(UsageError, match=reason) as refused:
        clean(query)

    assert refused.value.hint


def test_the_answer_has_the_fields_of_the_contract_and_those_besides():
    hit = Hit(0.5, "id", "file://h/a", "text", {"path": "/a", "page": 2})
    answer = Answer("q", "docs", "hybrid", (hit,), 1.23456)

    expected = {
        "query": "q",
        "collection": "docs",
        "hits": [
            {
                "score": 0.5,
                "source": "file://h/a",
                "text": "text",
                "chunk": "id",
                "path": "/a",
                "page": 2,
            }
        ],
        "took_ms": 1.23,
        "mode": "hybrid",
    }
    assert expected == answer.as_dict()


def test_a_note_is_there_only_if_there_is_something_to_say():
    said = Answer("q", "docs", "lexical", (), 1.0, "no model").as_dict()

    assert said["note"] == "no model"
    assert "note" not in Answer("q", "docs", "lexical", (), 1.0).as_dict()
