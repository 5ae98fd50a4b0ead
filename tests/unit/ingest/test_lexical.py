# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.ingest.lexical import PLACE_WORDS, words_of


def words(text="", path="/a/b.md", title=None, heading=()):
    payload = {"text": text, "path": path, "title": title, "heading": list(heading)}
    return words_of(payload).split()


def test_words_of_file_title_and_headings_count_once():
    found = words("Sleep.", "/home/me/house/cats_at-home.md", "Cats", ("Cats at home", "At night"))

    assert ["house", "cats", "at", "home", "md", "night", "Sleep."] == found


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("HTTPDigestAuth", ["HTTP", "Digest", "Auth"]),
        ("readTextFile", ["read", "Text", "File"]),
        ("plain_name", []),
        ("Word", []),
        ("NASA", []),
    ],
)
def test_an_identifier_is_found_by_its_parts_too(name, parts):
    assert ["a", "b", "md", name, *parts] == words(name)


def test_a_long_path_of_headings_does_not_outweigh_the_text():
    found = words("text", heading=[f"heading{number}" for number in range(1000)])

    assert PLACE_WORDS + 1 == len(found)


def test_a_long_word_takes_no_longer_than_many_short_ones():
    assert "x" * 20_000 in words("x" * 20_000)
