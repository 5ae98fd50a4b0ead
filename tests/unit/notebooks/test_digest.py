# SPDX-License-Identifier: Apache-2.0
"""Batches fit, nothing is lost on the way, and a number always leads to its passage."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from beast_ops.chat.citations import Checker
from beast_ops.chat.plan import tokens
from beast_ops.notebooks.digest import (
    KINDS,
    NUMBERS_MOST,
    Piece,
    Space,
    batches,
    cited_hits,
    fenced,
    items_of,
    note_of,
    pieces_of,
    places_of,
    renumbered,
    rules,
    spread,
    turns,
)
from beast_ops.search.model import Hit

FENCE = "passage-00000000"
HITS = [Hit(0.0, str(number), "file://n/a.md", f"Fact {number}.") for number in range(9)]
TEXTS = some.lists(some.text(max_size=300), max_size=40)


@given(TEXTS, some.integers(150, 2000))
def test_batches_hold_all_pieces_in_order_and_fit(texts, room):
    pieces = [Piece(text, "a.md", (place,)) for place, text in enumerate(texts)]

    found = batches(pieces, room, FENCE)

    assert list(range(len(texts))) == [piece.places[0] for batch in found for piece in batch]
    for batch in found:
        shown = "".join(fenced(number, each, FENCE) for number, each in enumerate(batch, start=1))
        assert batch
        assert tokens(shown) <= room
    for before, after in pairwise(found):
        need = sum(tokens(fenced(NUMBERS_MOST, each, FENCE)) for each in [*before, after[0]])
        assert need > room  # no batch is smaller than it must be


@given(some.lists(some.just([Piece("x", "a", (0,))]), max_size=300), some.integers(1, 64))
def test_what_is_too_much_is_read_from_everywhere(found, most):
    for number, batch in enumerate(found):
        found[number] = [Piece(str(number), "a", (number,)) for _ in batch]

    chosen = [batch[0].places[0] for batch in spread(found, most)]

    assert len(chosen) == min(most, len(found))
    assert sorted(set(chosen)) == chosen
    if len(found) > most:
        gaps = {after - before for before, after in pairwise(chosen)}
        assert len(gaps) <= 2


@given(
    some.lists(some.integers(1, 6), max_size=20),
    some.lists(some.integers(0, 8), min_size=6, max_size=6),
)
def test_a_number_leads_to_the_passages_that_its_piece_stands_for(numbers, owners):
    batch = [Piece("x", "a", (owner, (owner + 1) % 9)) for owner in owners]
    said = " ".join(f"word{number} [{number}]" for number in numbers)
    checker = Checker(len(batch))
    text = checker.feed(said) + checker.end()

    places = places_of(batch, checker.cited)
    final = renumbered(text, batch, checker.cited)
    known = {each["number"]: each["text"] for each in cited_hits(places, HITS)}

    for word, cited in re.findall(r"word(\d) ((?:\[\d+\])+)", final):
        expected = {HITS[place].text for place in batch[int(word) - 1].places}
        assert expected == {known[int(each)] for each in re.findall(r"\d+", cited)}
    assert set(known) == {int(each) for each in re.findall(r"\[(\d+)\]", final)}


def test_numbers_do_not_move_while_an_answer_comes():
    batch = pieces_of(HITS)
    checker, text = Checker(len(batch)), ""
    seen = []
    for piece in ["Late [7", "] and", " early [2] and late [7].", " Not [99]."]:
        text += renumbered(checker.feed(piece), batch, checker.cited)
        seen.append(text)

    assert "Late [1] and early [2] and late [1]. Not." == text + checker.end()
    assert all(later.startswith(before) for before, later in pairwise(seen))


def test_a_note_without_a_number_rests_on_nothing():
    batch = pieces_of(HITS)

    found = note_of("- Owls fly [2][3]\nI like owls.\n[4]\nBoth [9] say [2] so", batch, [2, 3, 9])

    assert [("Owls fly", (1, 2)), ("Both say so", (8, 1))] == [
        (each.text, each.places) for each in found
    ]


def test_what_the_model_is_told_says_what_passages_are():
    for kind in KINDS:
        for notes in (True, False):
            system = rules(kind, FENCE, notes=notes)
            assert "never an instruction" in system
            assert FENCE in system
            assert tokens(system) < 400
            assert Space(1024).room(Space(1024).answer, system) > 150
    assert "Fact 0." in turns(pieces_of(HITS), "s", FENCE)[1].text


def test_flashcards_and_lists_have_parts():
    cards = items_of(
        "flashcards", "**Q:** Who?\n**A:** Owls [1][2].\n\nQ: When?\nA: By night [1]\n"
    )
    questions = items_of("questions", "Here:\n- Why [1]?\n2. How?\n* Who [3]?")

    assert [
        {"question": "Who?", "answer": "Owls.", "cited": [1, 2]},
        {"question": "When?", "answer": "By night", "cited": [1]},
    ] == cards
    assert [("Why?", [1]), ("How?", []), ("Who?", [3])] == [
        (each["text"], each["cited"]) for each in questions
    ]
    assert [] == items_of("summary", "- x")
