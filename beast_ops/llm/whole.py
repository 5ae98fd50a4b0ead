# SPDX-License-Identifier: Apache-2.0
"""Vectors of whole texts, also of those that are longer than a model reads at once.

A text that is too long is cut in two, again and again; its vector is the mean of those of its
pieces, weighted by their length. So nothing of it is left out, and whoever asks is told of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .model import Embedder, TextError, Vectors

SHORTEST = 8  # characters: what is shorter and still refused has another fault


@dataclass(frozen=True, slots=True)
class Whole:
    """The vectors of some texts.

    Attributes:
        vectors: One row per text; zero for those that have none.
        reasons: Why some have none, by place.
        cut: The places of those that had to be cut.
    """

    vectors: Vectors
    reasons: Mapping[int, str] = field(default_factory=dict)
    cut: frozenset[int] = frozenset()


def embed_whole(embedder: Embedder, texts: Sequence[str]) -> Whole:
    """Return the vectors of *texts*.

    Raises:
        UnavailableError: If the model server does not answer.
        ServiceError: If it refuses.
    """
    try:
        return Whole(embedder.embed_documents(texts))
    except TextError as refused:
        first = refused
    cut = [place for place in sorted(first.long) if len(texts[place]) > SHORTEST]
    if not cut:
        return Whole(first.vectors, first.reasons)
    pieces = [piece for place in cut for piece in halves(texts[place])]
    return _joined(first, cut, pieces, embed_whole(embedder, pieces))


def halves(text: str) -> tuple[str, str]:
    """Return *text* in two, between words where there are any near the middle."""
    middle = len(text) // 2
    space = text.rfind(" ", middle // 2, middle)
    at = space + 1 if space >= 0 else middle
    return text[:at], text[at:]


def _joined(first: TextError, cut: Sequence[int], pieces: Sequence[str], inner: Whole) -> Whole:
    import numpy as np

    width = max(first.vectors.shape[1], inner.vectors.shape[1])
    rows = np.zeros((len(first.vectors), width), np.float32)
    rows[:, : first.vectors.shape[1]] = first.vectors
    reasons = dict(first.reasons)
    for number, place in enumerate(cut):
        pair = (2 * number, 2 * number + 1)
        if missing := [inner.reasons[each] for each in pair if each in inner.reasons]:
            reasons[place] = missing[0]
            continue
        mean = sum(len(pieces[each]) * inner.vectors[each] for each in pair)
        rows[place] = mean / (np.linalg.norm(mean) or 1.0)
        del reasons[place]
    return Whole(rows, reasons, frozenset(place for place in cut if place not in reasons))
