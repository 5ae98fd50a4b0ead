# SPDX-License-Identifier: Apache-2.0
"""By meaning alone, by words alone; and what of a passage is not shown."""

import pytest

from beast_ops.errors import ConflictError, UnavailableError
from beast_ops.search.model import SearchOptions
from beast_ops.search.snippet import left_out, snippet
from tests.unit.search.test_hybrid import ANIMALS, PATHS, embedding, never, no_model, paths


def test_words_alone_ask_no_model(ask):
    answer = ask("barking dogs", SearchOptions(mode="lexical"), never)

    assert answer.mode == "lexical"
    assert [PATHS["dogs"]] == paths(answer)
    assert answer.note == ""


def test_meaning_alone_knows_no_words(ask):
    answer = ask("barking dogs", SearchOptions(mode="dense", limit=1), embedding(*ANIMALS))

    assert answer.mode == "dense"
    assert [PATHS["cats"]] == paths(answer)


def test_meaning_alone_without_a_model_server_is_an_error_not_other_hits(ask):
    with pytest.raises(UnavailableError, match="does not answer"):
        ask("dogs", SearchOptions(mode="dense"), no_model)


@pytest.mark.parametrize(
    ("mode", "collection", "way"), [("dense", "words", "lexical"), ("lexical", "meaning", "dense")]
)
def test_what_a_collection_cannot_be_searched_by_is_said(ask, mode, collection, way):
    with pytest.raises(ConflictError, match="this collection has no") as refused:
        ask("dogs", SearchOptions(collection=collection, mode=mode), never)

    assert f"--mode {way}" in refused.value.hint


@pytest.mark.parametrize("text", ["short", "word " * 300, "…" * 40, " padded " * 90])
def test_what_is_not_shown_is_counted(text):
    shown = snippet(text, "word")

    assert left_out(text, shown) == (0 if shown == text else len(text) - len(shown.strip("…")))
    assert 0 <= left_out(text, shown) < len(text)
