# SPDX-License-Identifier: Apache-2.0
import itertools
import re
import time
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from beast_ops.ingest.chunk import chunk
from beast_ops.ingest.chunk_windows import windows
from beast_ops.ingest.parse import Document, Section

SENTENCES = "".join(f"This is sentence number {number} of the text. " for number in range(200))


def document(*sections, kind="md"):
    return Document(kind, None, tuple(sections))


def plain(text, heading=()):
    return document(Section(heading, text))


def cut(text, **how):
    return [each.text for each in chunk(plain(text), "s", **how)]


def test_a_short_document_is_one_chunk():
    (found,) = chunk(document(Section(("A", "B"), "\n  indented text\n\n", 3)), "s")

    assert ("  indented text", ("A", "B"), 3, 0) == (
        found.text,
        found.heading,
        found.page,
        found.position,
    )
    assert UUID(found.id).version == 5


def test_chunks_end_with_sentences_and_repeat_the_last_ones():
    chunks = cut(SENTENCES, characters=300, overlap=60)

    assert all(each.endswith(".") and each.startswith("This is") for each in chunks)
    for before, after in itertools.pairwise(chunks):
        assert before.endswith(after[: after.index(".") + 1])


@pytest.mark.parametrize("gap", ["\n\n", "\n", "\u3002", ", ", " "])
def test_the_best_place_in_reach_is_where_a_chunk_ends(gap):
    text = f"{'x' * 70}{gap}{'y' * 70}"

    assert ["x" * 70 + gap.rstrip(), "y" * 70] == cut(text, characters=100, overlap=0)


def test_a_word_that_is_longer_than_a_chunk_is_cut():
    chunks = cut("x" * 1000, characters=300, overlap=0)

    assert [300, 300, 300, 100] == [len(each) for each in chunks]


def test_text_without_spaces_overlaps_nevertheless():
    first, second, *_ = cut(
        "".join(map(chr, range(0x4E00, 0x4E00 + 1000))), characters=300, overlap=50
    )

    assert second.startswith(first[-50:])


def test_small_neighbours_are_joined_below_what_they_share():
    found = chunk(
        document(
            Section(("A",), "# A"),
            Section(("A", "B"), "## B\nshort"),
            Section(("A", "C"), "## C\nshort"),
            Section(("D",), "# D\nshort"),
            Section(("D", "E"), "long " * 200),
            Section(("D", "F"), "long " * 200),
        ),
        "s",
    )

    assert [("A",), ("D", "E"), ("D", "F")] == [each.heading for each in found]
    assert "# A\n\n## B\nshort\n\n## C\nshort\n\n# D\nshort" == found[0].text


def test_a_text_that_goes_on_over_pages_is_one_text_that_knows_its_pages():
    pages = [Section(("A",), SENTENCES[:1000], page) for page in (1, 2, 3)]

    found = chunk(document(*pages, kind="pdf"), "s")

    assert [1, 2, 3] == sorted({each.page for each in found})
    assert 3 == len(found)


def test_records_make_small_chunks_without_overlap():
    rows = "\n\n".join(f"name: {number:04}" + " x" * 50 for number in range(30))

    found = chunk(document(Section((), rows), kind="csv"), "s")

    assert all(len(each.text) <= 300 for each in found)
    assert 30 == sum(each.text.count("name:") for each in found)


def test_ids_depend_on_source_heading_text_and_which_of_equals_it_is():
    same = [Section(("A",), "x" * 1000), Section(("B",), "x" * 1000), Section(("A",), "x" * 1000)]

    ids = [each.id for name in ("s", "t") for each in chunk(document(*same), name)]

    assert len(set(ids)) == 6
    assert ids[:3] == [each.id for each in chunk(document(*same), "s")]
    # Written down: another id for the same text would make every collection grow twice.
    assert "246322ca-ca7e-5f57-a25b-b2c285e0bd29" == chunk(plain("stable"), "file://h/a")[0].id


def test_a_change_at_the_end_leaves_the_beginning_alone():
    before = chunk(plain(SENTENCES), "s")
    after = chunk(plain(SENTENCES + "And one more."), "s")

    assert [each.id for each in before[:-1]] == [each.id for each in after[: len(before) - 1]]


WORDS = some.text(
    some.sampled_from("aé日x.!?,;: \t\n\u2003\U0001f418")
    | some.characters(exclude_categories=["Cs"]),
    max_size=600,
)
HEADINGS = some.lists(some.sampled_from("AB"), max_size=2).map(tuple)
SECTIONS = some.lists(
    some.builds(Section, HEADINGS, WORDS, some.none() | some.integers(1, 9)), min_size=1, max_size=6
)


def squeezed(text):
    return re.sub(r"\s+", "", text)


@given(SECTIONS, some.integers(1, 120), some.integers(0, 80))
def test_chunks_are_small_enough_and_different(sections, characters, overlap):
    found = chunk(document(*sections), "s", characters, overlap)

    assert all(0 < len(each.text) <= characters for each in found)
    assert [each.position for each in found] == list(range(len(found)))
    assert len({each.id for each in found}) == len(found)


@given(SECTIONS, some.integers(1, 120))
def test_nothing_is_lost(sections, characters):
    found = chunk(document(*sections), "s", characters, overlap=0)

    whole = "".join(section.text for section in sections)
    assert squeezed(whole) == squeezed("".join(each.text for each in found))


@given(WORDS, some.integers(1, 120), some.integers(0, 80))
def test_windows_leave_no_gap_and_go_on(text, characters, overlap):
    spans = list(windows(text, characters, overlap))

    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    for (start, end), (next_start, next_end) in itertools.pairwise(spans):
        assert start < next_start <= end < next_end
        assert end - next_start <= max(overlap, 0)


@given(WORDS, some.integers(20, 100))
@example("000000000 00000000\x8500", 20)
def test_words_that_fit_are_never_cut(text, characters):
    words = set(text.split())
    if any(len(word) > characters // 2 - 1 for word in words):
        return

    for each in chunk(plain(text), "s", characters, 10):
        parts = each.text.split()
        assert set(parts) <= words or re.search("[\u3002\uff01\uff1f\u3001]", text)


@pytest.mark.parametrize("piece", ["word ", "x", "\n", ". "])
def test_it_takes_linear_time_whatever_the_text(piece):
    def took(characters):
        text = plain(piece * (characters // len(piece)))
        begun = time.process_time()
        chunk(text, "s")
        return time.process_time() - begun

    # Quadratic time would be sixty-four times as long.
    assert took(800_000) < 30 * max(took(100_000), 0.001)
