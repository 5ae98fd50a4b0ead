# SPDX-License-Identifier: Apache-2.0
"""Evaluations through an API that answers as the test wants; receipts are real."""

import json

import pytest

from beast_ops.door.evaluations import evaluate
from beast_ops.errors import MissingError, NotDeployedError, UnavailableError, UsageError
from beast_ops.evals.judge import judge
from beast_ops.testing import Canned
from tests.unit.evals.conftest import CATS, DOGS, QUESTIONS


def test_the_figures_are_those_of_the_answers_and_a_receipt_keeps_them(stack):
    judged = judge(stack.place, "docs", "lexical")

    figures = judged.result.figures
    assert (figures.recall_1, figures.recall_5, figures.recall_10) == (0.5, 1.0, 1.0)
    assert figures.mrr == 0.75
    assert [each.rank for each in judged.result.outcomes] == [1, 2]
    assert (judged.before, judged.others, judged.failures) == (None, False, ())
    (receipt,) = stack.written()
    assert (receipt.operation, receipt.outcome) == ("eval", "done")
    assert receipt.details == figures.model_dump(mode="json")


def test_the_whole_passages_are_asked_for_in_the_wanted_way(stack):
    judge(stack.place, "docs", "dense")

    bodies = [json.loads(each.body) for each in stack.fake.asked]
    assert bodies[0] == {
        "query": "Who sleeps?", "collection": "docs", "limit": 10, "mode": "dense", "whole": True,
    }  # fmt: skip
    assert len(bodies) == 2


def test_a_gate_fails_on_a_fall_and_the_good_figures_stay_the_measure(stack):
    judge(stack.place, "docs", gate=0.02)
    stack.answers(CATS)

    for _ in range(2):
        judged = judge(stack.place, "docs", gate=0.02)

        assert "recall@5 fell from 1.000 to 0.500" in judged.failures
        assert len(judged.failures) == 3
    newest, _, first = stack.written()
    assert (newest.outcome, first.outcome) == ("failed", "done")
    assert "docs: recall@5 fell from 1.000 to 0.500" in newest.message


@pytest.mark.parametrize(("gate", "failed"), [(None, False), (0.5, False), (0.49, True)])
def test_a_fall_within_the_gate_passes(stack, gate, failed):
    judge(stack.place, "docs")
    stack.answers(CATS)

    assert failed is bool(judge(stack.place, "docs", gate=gate).failures)


def test_other_questions_cannot_be_compared_and_it_says_so(stack, capsys):
    judge(stack.place, "docs")
    stack.ask_for(QUESTIONS + "  - {question: 'Who flies?', sources: birds.md}\n")

    assert evaluate(stack.place, "docs", "hybrid", "0.02", json=False) == 0

    assert "The questions changed" in capsys.readouterr().out
    stack.ask_for()
    assert judge(stack.place, "docs").before is not None  # what was before the change still counts


def test_another_way_or_collection_is_no_measure(stack):
    judge(stack.place, "docs", "lexical")
    stack.ask_for(collection="notes")

    assert judge(stack.place, "docs", "hybrid").before is None
    assert judge(stack.place, "notes", "lexical").before is None


def test_half_an_evaluation_is_none_and_its_receipt_says_why(stack):
    stack.now[0] = Canned({"error": {"message": "not now", "hint": "later"}}, status=503)

    with pytest.raises(UnavailableError, match="not now"):
        judge(stack.place, "docs")

    (receipt,) = stack.written()
    assert receipt.outcome == "failed"
    assert "not now" in receipt.message
    stack.answers(CATS, DOGS)
    assert judge(stack.place, "docs").before is None


def test_the_verb_prints_the_figures_and_ends_with_one_on_a_fall(stack, capsys):
    assert evaluate(stack.place, "", "hybrid", "0.02", json=False) == 0
    out = capsys.readouterr().out
    assert "docs: 2 questions, asked hybrid, answered lexical" in out
    assert "recall@5   1.000" in out
    assert "latency" in out
    stack.answers(CATS)

    assert evaluate(stack.place, "", "hybrid", "0.02", json=False) == 1
    out = capsys.readouterr().out
    assert "recall@5   0.500   1.000 before" in out
    assert "not found  Who barks?" in out
    assert "Worse than on " in out

    assert evaluate(stack.place, "docs", "hybrid", "0.02", json=True) == 1
    (found,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert found["recall_5"] == 0.5
    assert found["before"]["recall_5"] == 1.0
    assert found["questions_changed"] is False
    assert len(found["failures"]) == 3
    assert found["ranks"][1] == {"question": "Who barks?", "rank": None, "first": "/d/cats.md"}


def test_only_the_first_missed_are_named(stack, capsys):
    rows = [f"  - {{question: 'Number {n}?', sources: none.md}}\n" for n in range(12)]
    stack.ask_for("questions:\n" + "".join(rows))

    evaluate(stack.place, "docs", "hybrid", "", json=False)

    out = capsys.readouterr().out
    assert out.count("not found") == 10
    assert "and 2 more" in out


@pytest.mark.parametrize("gate", ["x", "-0.1", "1.5", "nan"])
def test_a_gate_is_a_share(stack, gate):
    with pytest.raises(UsageError, match="from 0 to 1"):
        evaluate(stack.place, "docs", "hybrid", gate, json=False)


def test_an_unknown_mode_is_refused(stack):
    with pytest.raises(UsageError, match="no such mode"):
        evaluate(stack.place, "docs", "both", "", json=False)


def test_without_questions_it_says_where_to_write_them(stack):
    (stack.place.root / "evals" / "docs.yaml").unlink()

    with pytest.raises(MissingError, match="no collection has golden questions") as refused:
        evaluate(stack.place, "", "hybrid", "", json=False)

    assert "evals/docs.yaml" in refused.value.hint


def test_without_an_installation_nothing_is_written(tmp_path):
    from beast_ops.place import Place

    with pytest.raises(NotDeployedError):
        judge(Place(tmp_path / "none"), "docs")

    assert not (tmp_path / "none").exists()
