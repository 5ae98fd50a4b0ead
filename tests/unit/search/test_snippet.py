# SPDX-License-Identifier: Apache-2.0
from hypothesis import given, settings
from hypothesis import strategies as st

from beast_ops.search.snippet import CHARACTERS, snippet, stems

FILL = "lorem ipsum dolor sit amet " * 40


def test_a_short_text_stays_whole():
    assert snippet("short text", "query") == "short text"


def test_the_cut_is_around_the_words_of_the_query():
    text = f"{FILL}the rotation of keys happens nightly {FILL}"

    found = snippet(text, "key rotation")

    assert "rotation of keys" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert len(found) <= CHARACTERS


def test_where_most_different_words_are_wins_over_where_one_word_is_often():
    text = f"keys keys keys keys {FILL} rotate the keys {FILL}"

    assert "rotate the keys" in snippet(text, "rotate keys")


def test_without_a_word_of_the_query_it_is_the_beginning():
    found = snippet(f"Beginning {FILL}", "zebra")

    assert found.startswith("Beginning")
    assert found.endswith("…")


def test_words_at_the_very_end_are_shown_with_the_end():
    found = snippet(f"{FILL}zebra", "zebra")

    assert found.endswith("zebra")
    assert found.startswith("…")


def test_no_word_is_cut_in_half():
    found = snippet(f"{FILL}zebra {FILL}", "zebra").strip("…")

    assert set(found.split()) <= {*FILL.split(), "zebra"}


def test_endings_do_not_matter_and_short_words_do_not_count():
    assert stems("Running to IT at keys") == {"runni", "key"}


def test_a_query_of_short_words_finds_the_beginning():
    assert snippet(f"Beginning {FILL}", "a of").startswith("Beginning")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=3000), st.text(max_size=60), st.integers(60, 500))
def test_it_is_never_too_long_and_always_from_the_text(text, query, characters):
    found = snippet(text, query, characters)

    assert len(found) <= characters
    assert found == text or found.removeprefix("…").removesuffix("…") in text
