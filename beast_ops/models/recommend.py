# SPDX-License-Identifier: Apache-2.0
"""Which model to take for a task, and why: a pure function of what is known."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from .entry import Entry, Size, Task

GIGA = 10**9
# The benchmark that ranks the models of a task, where its makers published one.
RANKED_BY: dict[str, tuple[str, ...]] = {
    "embedding": ("MTEB retrieval",),
    "code": ("LiveCodeBench",),
    "chat": ("MMLU",),
}
# Fewer than four bits a number lose too much to be recommended; whoever wants them may pull them.
COARSE = ("Q2", "Q3", "IQ1", "IQ2", "IQ3")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is wanted for.

    Attributes:
        task: What it has to do.
        most_bytes: How large it may be.
        least_rating: How well it must be rated; models without a rating do not fit then.
        limit: How many to recommend at most.
    """

    task: Task
    most_bytes: int | None = None
    least_rating: float | None = None
    limit: int = 3


@dataclass(frozen=True, slots=True)
class Pick:
    """A model that is recommended.

    Attributes:
        entry: The model.
        size: The way to have it that fits best; `None` if no size is known.
        why: Sentences.
    """

    entry: Entry
    size: Size | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What is recommended, the best first, and how many were passed over for what reason."""

    picks: tuple[Pick, ...]
    passed_over: dict[str, int]


def recommend(entries: Iterable[Entry], asked: Asked, here: Collection[str] = ()) -> Advice:
    """Return the models of *entries* that fit best.

    Args:
        entries: All that are known.
        asked: For what.
        here: The ids of those that are on a disk already.
    """
    fits: list[Entry] = []
    passed: Counter[str] = Counter()
    for entry in entries:
        reason = _unfit(entry, asked)
        if reason:
            passed[reason] += 1
        else:
            fits.append(entry)
    best = sorted(fits, key=_order(asked.task, here))[: asked.limit]
    if len(fits) > len(best):
        passed["that fit less well"] = len(fits) - len(best)
    return Advice(tuple(_pick(entry, asked, here) for entry in best), dict(passed))


def reasons(entry: Entry, asked: Asked, here: Collection[str] = ()) -> tuple[str, ...]:
    """Return what speaks for *entry*, in sentences; nothing if it is no model for that."""
    return () if _unfit(entry, asked) else _pick(entry, asked, here).why


def _unfit(entry: Entry, asked: Asked) -> str:
    if asked.task not in entry.tasks:
        return "for other tasks"
    if asked.most_bytes is not None:
        sizes = [each.bytes for each in _usable(entry)]
        if not sizes:
            return "of unknown size"
        if min(sizes) > asked.most_bytes:
            return "too large"
    if asked.least_rating is not None:
        if entry.rating is None:
            return "not rated"
        if entry.rating < asked.least_rating:
            return "rated too low"
    return ""


def _order(task: str, here: Collection[str]) -> Callable[[Entry], tuple[float, ...]]:
    """Return what to sort by: rating, result, whether it is here, parameters, and context.

    A model with a result goes before one without: a number is known of it.
    """

    def order(entry: Entry) -> tuple[float, ...]:
        return (
            -(entry.rating or 0.0),
            -(_score(entry, task) or 0.0),
            float(entry.id not in here),
            -(entry.parameters or 0),
            -(entry.context or 0),
        )

    return order


def _score(entry: Entry, task: str) -> float | None:
    found = (entry.scores.get(name) for name in RANKED_BY.get(task, ()))
    return next((score for score in found if score is not None), None)


def _pick(entry: Entry, asked: Asked, here: Collection[str]) -> Pick:
    size = _fitting(entry, asked.most_bytes)
    return Pick(entry, size, tuple(_why(entry, asked, size, here)))


def _usable(entry: Entry) -> list[Size]:
    return [each for each in entry.sizes if not each.quantization.startswith(COARSE)]


def _fitting(entry: Entry, most: int | None) -> Size | None:
    """Return the largest way to have it that fits; without a limit, the one that is pulled."""
    if most is None:
        return next((each for each in entry.sizes if each.bytes == entry.size), None)
    fits = [each for each in _usable(entry) if each.bytes <= most]
    return max(fits, key=lambda each: each.bytes, default=None)


def _why(entry: Entry, asked: Asked, size: Size | None, here: Collection[str]) -> list[str]:
    said = [f"It is made for {asked.task}."]
    if size is not None:
        how = f"in {size.quantization}" if size.quantization else "as it is pulled"
        limit = "" if asked.most_bytes is None else f" of {asked.most_bytes / GIGA:g} GB at most"
        said.append(f"It takes {size.bytes / GIGA:g} GB {how}{limit}.")
    if entry.rating is not None:
        said.append(f"It is rated {entry.rating:g} of 5.")
    said += [
        f"It reaches {entry.scores[name]:g} in {name}."
        for name in RANKED_BY.get(asked.task, ())
        if name in entry.scores
    ]
    if entry.parameters:
        said.append(f"It has {entry.parameters / GIGA:g} billion parameters.")
    if entry.context:
        said.append(f"It keeps {entry.context} tokens in mind.")
    if entry.id in here:
        said.append("It is here already.")
    return said
