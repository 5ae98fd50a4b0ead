# SPDX-License-Identifier: Apache-2.0
"""Choose among candidates: what fits, no document too often, nothing twice; pure."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice
from math import sqrt

from .filters import fits, wild
from .model import SearchOptions
from .query import Parsed
from .store import Found, Vector

WIDE = 20  # times as many candidates when some of them are dropped afterwards
WIDE_MOST = 1000
FIRST_LOOK = 200  # mostly holds a phrase often enough, in a third of the time
POOL_LEAST, POOL_MOST = 30, 100  # of what variety is chosen from: it costs the square


def candidates(options: SearchOptions, asked: Parsed) -> tuple[int, ...]:
    """Return how many candidates are wanted of the store; the next one if these do not suffice."""
    if asked.phrases:
        return FIRST_LOOK, WIDE_MOST
    if wild(options) or asked.excluded or options.group:
        return (min(WIDE_MOST, options.limit * WIDE),)
    if options.mmr is not None:
        return (max(POOL_LEAST, min(POOL_MOST, 3 * options.limit)),)
    return (options.limit,)


def suffices(chosen: Sequence[Found], options: SearchOptions) -> bool:
    """Return whether *chosen* is as much as was asked for."""
    if options.group:
        return len({point.payload.get("source", point.id) for point in chosen}) >= options.limit
    return len(chosen) >= options.limit


def choose(found: Sequence[Found], asked: Parsed, options: SearchOptions) -> list[Found]:
    """Return the best of *found*, which are candidates, best first."""
    fitting = fit(found, asked, options)
    if options.mmr is not None:
        pool = fitting[: max(POOL_MOST, options.limit)]
        fitting = diverse(pool, options.mmr, len(pool) if options.group else options.limit)
    if options.group:
        return grouped(fitting, options.group, options.limit)
    return fitting[: options.limit]


def fit(found: Sequence[Found], asked: Parsed, options: SearchOptions) -> list[Found]:
    """Return those of *found* that are what was asked for, in their order."""
    return [
        point
        for point in found
        if fits(options, point.payload) and asked.fits(str(point.payload.get("text", "")))
    ]


def grouped(points: Sequence[Found], passages: int, documents: int) -> list[Found]:
    """Return the best *passages* of each of the best *documents*, document by document."""
    groups: dict[str, list[Found]] = {}
    for point in points:
        groups.setdefault(str(point.payload.get("source", point.id)), []).append(point)
    best = (group[:passages] for group in islice(groups.values(), documents))
    return list(chain.from_iterable(best))


def diverse(points: Sequence[Found], relevance: float, count: int) -> list[Found]:
    """Return *count* of *points* that are relevant and unlike each other.

    Maximal marginal relevance: Carbonell and Goldstein, "The Use of MMR, Diversity-Based
    Reranking for Reordering Documents and Producing Summaries", SIGIR 1998. What a point is
    worth is its score, stretched over 0 to 1; likeness is the cosine of two vectors.

    Args:
        points: Candidates with their vectors.
        relevance: 1 is relevance alone, 0 is variety alone.
        count: How many to return at most.
    """
    worth = _stretched([point.score for point in points])
    likeness = _likeness([point.vector for point in points])
    left, chosen = list(range(len(points))), list[int]()
    likest = [-1.0] * len(points)  # no cosine is less
    while left and len(chosen) < count:
        best = max(left, key=lambda n: (relevance * worth[n] - (1 - relevance) * likest[n], -n))
        left.remove(best)
        chosen.append(best)
        likest = [max(pair) for pair in zip(likest, likeness(best), strict=True)]
    return [points[n] for n in chosen]


def _stretched(scores: Sequence[float]) -> list[float]:
    least, most = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - least) / (most - least) if most > least else 1.0 for score in scores]


def _likeness(vectors: Sequence[Vector]) -> Callable[[int], Sequence[float]]:
    """Return what tells how like the vector at a place is to each of *vectors*, by cosine."""
    if any(isinstance(each, list) for each in vectors):
        return _dense_likeness(vectors)
    units = [_unit(each) for each in vectors]

    def sparse(place: int) -> list[float]:
        one = units[place]
        return [sum(v * one.get(at, 0.0) for at, v in other.items()) for other in units]

    return sparse


def _dense_likeness(vectors: Sequence[Vector]) -> Callable[[int], Sequence[float]]:
    import numpy as np

    width = next(len(each) for each in vectors if isinstance(each, list))
    rows = np.array([each if isinstance(each, list) else [0.0] * width for each in vectors])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = rows / np.where(lengths > 0, lengths, 1.0)

    def dense(place: int) -> list[float]:
        found: list[float] = (units @ units[place]).tolist()
        return found

    return dense


def _unit(vector: Vector) -> Mapping[int, float]:
    """Return the sparse *vector* with length 1, by dimension; nothing if there is none."""
    if not isinstance(vector, tuple):
        return {}
    length = sqrt(sum(value * value for value in vector[1])) or 1.0
    return {at: value / length for at, value in zip(*vector, strict=True)}
