# SPDX-License-Identifier: Apache-2.0
"""Find the passages that a question, perhaps one in a conversation, is about."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from beast_ops.errors import UsageError
from beast_ops.search.model import QUERY_CHARACTERS, Answer, Hit, SearchOptions, clean

from .model import Question

PASSAGES = 12  # as many as the largest usual context takes; what does not fit is told
FUSE = 60  # Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", SIGIR 2009
# What the query language takes for more than words; in a conversation it is only words.
_SIGNS = re.compile(r'"|(?<!\S)-+|(?<!\S)(?:type|tag|source|after|before):')

Search = Callable[[str, SearchOptions], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was found, best first, and what is to be said about how."""

    hits: tuple[Hit, ...] = ()
    note: str = ""


async def recall(search: Search, question: Question) -> Recalled:
    """Return the passages that *question* is about.

    A question in a conversation ("and how often?") is looked for by itself and together with the
    one before it; what both find comes first.

    Raises:
        MissingError: If there is no such collection.
        UnavailableError: If the store does not answer.
    """
    before = [turn.text for turn in question.history if turn.role == "user"][-1:]
    texts = [question.text, *(f"{each}\n{question.text}" for each in before)]
    queries = list(dict.fromkeys(filter(None, map(words, texts))))
    options = SearchOptions(collection=question.collection, limit=PASSAGES, whole=True)
    answers = await asyncio.gather(*(search(query, options) for query in queries))
    notes = dict.fromkeys(answer.note for answer in answers if answer.note)
    return Recalled(_fused([answer.hits for answer in answers]), "; ".join(notes))


def words(text: str) -> str:
    """Return *text* as a query in which every sign is only a sign; nothing if it has no words.

    Of a text that is longer than a query may be, the end counts: there the question stands.
    """
    plain = " ".join(_SIGNS.sub(" ", clean_or_nothing(text[-QUERY_CHARACTERS:])).split())
    return words(plain) if _SIGNS.search(plain) else plain


def clean_or_nothing(text: str) -> str:
    """Return *text* as it can be searched for; nothing if it cannot."""
    try:
        return clean(text)
    except UsageError:
        return ""


def _fused(found: Sequence[Sequence[Hit]]) -> tuple[Hit, ...]:
    if len(found) == 1:
        return tuple(found[0])
    scores: dict[str, float] = {}
    hits: dict[str, Hit] = {}
    for each in found:
        for rank, hit in enumerate(each):
            scores[hit.chunk] = scores.get(hit.chunk, 0.0) + 1 / (FUSE + rank)
            hits[hit.chunk] = hit
    best = sorted(hits, key=lambda chunk: -scores[chunk])
    return tuple(hits[chunk] for chunk in best[:PASSAGES])
