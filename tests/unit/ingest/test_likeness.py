# SPDX-License-Identifier: Apache-2.0
"""Texts that are alike are found, whatever else there is; others are not."""

import random

import pytest

from beast_ops.ingest.likeness import alike, pairs, signature


def words(dice, count):
    letters = "etaoinshrdlucmf"
    return ["".join(dice.choices(letters, k=dice.randint(2, 9))) for _ in range(count)]


def changed(dice, text, share):
    """Return *text* with so many of its words replaced, and the share of shingles both have."""
    other = [word if dice.random() > share else "".join(words(dice, 1)) for word in text]
    one, two = (
        {tuple(each[place : place + 5]) for place in range(len(each) - 4)} for each in (text, other)
    )
    return other, len(one & two) / len(one | two)


@pytest.mark.parametrize("share", [0.0, 0.005, 0.02, 0.05, 0.2, 1.0])
def test_the_estimate_is_near_the_truth(seed, share):
    dice, errors = random.Random(seed), []  # noqa: S311 - repeatable, not secret
    for _ in range(40):
        text = words(dice, dice.randint(400, 3000))
        other, truth = changed(dice, text, share)
        errors.append(alike(signature([" ".join(text)]), signature([" ".join(other)])) - truth)

    assert abs(sum(errors) / len(errors)) < 0.05
    assert max(map(abs, errors)) < 0.3  # of 64 bins, four deviations at the most


def test_pairs_are_found_among_many(seed):
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    texts = {f"d{number}": words(dice, 800) for number in range(300)}
    truths = {}
    for number in range(0, 60, 2):
        texts[f"d{number}x"], truth = changed(dice, texts[f"d{number}"], 0.005)
        truths[f"d{number}", f"d{number}x"] = truth
    signed = {name: signature([" ".join(text)]) for name, text in texts.items()}

    found = {(one, other) for _, one, other in pairs(signed, 0.8)}

    # Of 64 bins, the estimate of one that is 0.93 alike falls below 0.8 once in 30,000 times.
    alike_enough = {pair for pair, truth in truths.items() if truth > 0.93}
    assert len(alike_enough) > 10
    assert alike_enough <= found <= truths.keys()


def test_case_and_marks_make_no_difference():
    text = " ".join(f"word{number}" for number in range(400))

    assert 1.0 == alike(signature([text]), signature([text.upper().replace(" ", ", ")]))


def test_what_is_short_has_no_signature_and_no_pair():
    assert b"" == signature(["A short note."])
    assert [] == list(pairs({"a": b"", "b": b""}, 0.5))


def test_a_crowd_of_equals_is_told_once_each_not_each_with_each():
    signed = dict.fromkeys((f"d{number:04}" for number in range(1000)), signature(
        [" ".join(f"w{number}" for number in range(500))]
    ))  # fmt: skip

    found = list(pairs(signed, 0.9))

    assert 999 == len(found)
    assert {f"d{number:04}" for number in range(1000)} == {
        name for _, *both in found for name in both
    }
