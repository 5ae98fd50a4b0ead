# SPDX-License-Identifier: Apache-2.0
"""Which model is recommended, and that the reasons are those of the choice."""

from hypothesis import given
from hypothesis import strategies as some

from beast_ops.models.catalogue import catalogue
from beast_ops.models.entry import Entry, Size
from beast_ops.models.recommend import COARSE, Asked, recommend

GIGA = 10**9


def model(name, giga=None, quantization="", /, **values):
    sizes = () if giga is None else (Size(quantization=quantization, bytes=round(giga * GIGA)),)
    return Entry(id=name, **{"tasks": ("chat",), "sizes": sizes, **values})


def names(advice):
    return [pick.entry.id for pick in advice.picks]


def test_the_largest_that_fits_is_recommended_with_its_reasons():
    models = [
        model("small", 2, parameters=3 * GIGA),
        model("right", 7, "Q4_K_M", parameters=12 * GIGA, context=8192),
        model("large", 40, parameters=70 * GIGA),
        model("coder", 3, tasks=("code",)),
        model("unknown", parameters=10 * GIGA),
    ]
    advice = recommend(models, Asked("chat", 8 * GIGA, limit=1))

    assert ["right"] == names(advice)
    assert (
        "It is made for chat.",
        "It takes 7 GB in Q4_K_M of 8 GB at most.",
        "It has 12 billion parameters.",
        "It keeps 8192 tokens in mind.",
    ) == advice.picks[0].why
    assert {
        "too large": 1,
        "for other tasks": 1,
        "of unknown size": 1,
        "that fit less well": 1,
    } == advice.passed_over


def test_ratings_go_first_then_results_then_what_is_here():
    models = [
        model("big", parameters=70 * GIGA),
        model("here", parameters=GIGA),
        model("measured", scores={"MMLU": 60.0}),
        model("rated", rating=3.0),
    ]
    advice = recommend(models, Asked("chat", limit=9), here={"here"})

    assert ["rated", "measured", "here", "big"] == names(advice)
    assert "It is here already." in advice.picks[2].why
    assert "It reaches 60 in MMLU." in advice.picks[1].why


def test_a_limit_of_ratings_passes_over_what_nobody_rated():
    models = [model("a", rating=4.0), model("b", rating=2.0), model("c")]
    advice = recommend(models, Asked("chat", least_rating=3.0))

    assert ["a"] == names(advice)
    assert {"rated too low": 1, "not rated": 1} == advice.passed_over


def test_two_bits_are_never_recommended():
    coarse = model("coarse", 20, "Q2_K", parameters=70 * GIGA)

    assert [] == names(recommend([coarse], Asked("chat", 30 * GIGA)))
    assert ["coarse"] == names(recommend([coarse], Asked("chat")))


@given(task=some.sampled_from(["chat", "code", "image", "embedding"]), giga=some.floats(0.01, 500))
def test_what_is_recommended_fits_and_all_others_are_accounted_for(task, giga):
    most = round(giga * GIGA)
    advice = recommend(catalogue(), Asked(task, most))

    for pick in advice.picks:
        assert task in pick.entry.tasks
        assert pick.size.bytes <= most
        assert not pick.size.quantization.startswith(COARSE)
    assert len(catalogue()) == len(advice.picks) + sum(advice.passed_over.values())
