# SPDX-License-Identifier: Apache-2.0
"""Ask golden questions, whoever answers, and say in figures how it went."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.settings import Strict

from .metrics import DEPTHS, mrr, quantile, recall
from .questions import Question, Questions

DEEPEST = max(DEPTHS)
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that came back: path and URI of its document, and all it says."""

    names: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back for a question, best first, and how it was searched for."""

    passages: tuple[Passage, ...]
    mode: str


Ask = Callable[[str], Answered]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question went: the rank of the first right passage, and what came first."""

    question: Question
    rank: int | None
    first: str


class Figures(Strict):
    """How a collection answered its questions, in figures; a receipt keeps them.

    Attributes:
        collection: Which.
        asked: How it was to be searched: `hybrid`, `dense` or `lexical`.
        answered: How it was, which is less if the model server was away.
        digest: What tells this set of questions from others.
        questions: How many.
        recall_1: Share of questions with a right passage in the first place.
        recall_5: Likewise, among the first five.
        recall_10: Likewise, among the first ten.
        mrr: Mean reciprocal rank, 0 to 1.
        median_ms: How long a question took, in milliseconds, half of them at most.
        p95_ms: Likewise, 95 of a hundred at most.
    """

    collection: str
    asked: str
    answered: tuple[str, ...]
    digest: str
    questions: int
    recall_1: float
    recall_5: float
    recall_10: float
    mrr: float
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Result:
    """A set of questions that was asked: the figures, and how each went."""

    figures: Figures
    outcomes: tuple[Outcome, ...]

    def missed(self, depth: int = 5) -> tuple[Outcome, ...]:
        """Return the questions without a right passage among the first *depth*."""
        return tuple(each for each in self.outcomes if each.rank is None or each.rank > depth)

    def as_dict(self) -> dict[str, Any]:
        """Return it as the JSON contract has it."""
        return {
            **self.figures.model_dump(mode="json"),
            "ranks": [
                {"question": each.question.question, "rank": each.rank, "first": each.first}
                for each in self.outcomes
            ],
        }


def run(
    collection: str, questions: Questions, mode: str, ask: Ask, clock: Clock = SYSTEM
) -> Result:
    """Ask all *questions* about *collection* one after the other.

    Args:
        collection: Which, for the figures.
        questions: What to ask.
        mode: How *ask* searches, for the figures.
        ask: Answers a question with at least `DEEPEST` passages, if there are so many.
        clock: Where time comes from.

    Raises:
        BeastError: Whatever *ask* raises: half an evaluation is none.
    """
    outcomes, milliseconds, modes = [], [], set()
    for question in questions.questions:
        begun = clock.monotonic()
        answered = ask(question.question)
        milliseconds.append((clock.monotonic() - begun) * 1000)
        modes.add(answered.mode)
        outcomes.append(_judged(question, answered.passages))
    ranks = [each.rank for each in outcomes]
    shares = {f"recall_{depth}": round(recall(ranks, depth), DIGITS) for depth in DEPTHS}
    figures = Figures(
        collection=collection,
        asked=mode,
        answered=tuple(sorted(modes)),
        digest=questions.digest,
        questions=len(ranks),
        mrr=round(mrr(ranks), DIGITS),
        median_ms=round(quantile(milliseconds, 0.5), 2),
        p95_ms=round(quantile(milliseconds, 0.95), 2),
        **shares,
    )
    return Result(figures, tuple(outcomes))


def _judged(question: Question, passages: Sequence[Passage]) -> Outcome:
    ranked = enumerate(passages, start=1)
    rank = next((n for n, each in ranked if question.answered_by(each.names, each.text)), None)
    first = passages[0].names[0] if passages else ""
    return Outcome(question, rank, first)
