# SPDX-License-Identifier: Apache-2.0
"""What one may ask, and what comes back."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from beast_ops.errors import UsageError
from beast_ops.knowledge import COLLECTION

QUERY_CHARACTERS = 8000  # more is a document, not a question; bounds the work of one request
LIMIT = 10
LIMIT_MOST = 100
GROUP_MOST = 10
MMR = 0.7  # relevance first: Carbonell and Goldstein, 1998, where it is lambda

Mode = Literal["hybrid", "dense", "lexical"]
MODES: tuple[Mode, ...] = ("hybrid", "dense", "lexical")

# C0 and C1 controls, DEL, and what reorders or hides text on a screen.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Where to look, and how much to bring.

    Attributes:
        collection: Name of the collection.
        limit: How many passages at most.
        source: Only from here: a source's URI, a path (of a file, or a folder with all below
            it), or a glob over paths.
        type: Only documents of this type, such as `pdf`.
        mode: `dense` goes by meaning alone, `lexical` by words alone, `hybrid` by both where the
            collection has both.
        whole: Whether to bring whole passages instead of the part around the words.
        tag: Only documents with this tag.
        after: Only documents last changed on this day (2026-01-31, in UTC) or later.
        before: Only documents last changed before this day.
        explain: Whether to say which rank each hit had by meaning, and by words.
        group: How many passages of one document at most, and together; `limit` counts documents
            then. Anything goes if 0.
        within: Only sources in one of these folders, by their URIs; anything goes if empty.
        without: No sources in any of these, likewise.
        mmr: If set, how much relevance counts against variety, 0 to 1; see `choose.diverse`.
        rerank: Whether the best candidates are ordered anew by a model that reads them.
    """

    collection: str = COLLECTION
    limit: int = LIMIT
    source: str | None = None
    type: str | None = None
    mode: Mode = "hybrid"
    whole: bool = False
    tag: str | None = None
    after: str | None = None
    before: str | None = None
    explain: bool = False
    group: int = 0
    mmr: float | None = None
    rerank: bool = False
    within: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage: its score (only comparable within one answer) and where it stands.

    `left_out` is how many characters of the passage `text` does not show. `ranks` says rank and
    score of each way of searching, if that was asked for.
    """

    score: float
    chunk: str
    source: str
    text: str
    place: Mapping[str, Any] = field(default_factory=dict)
    left_out: int = 0
    ranks: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the hit as the JSON contract has it; `place` adds path, title, page and so on."""
        contract = {
            "score": self.score,
            "source": self.source,
            "text": self.text,
            "chunk": self.chunk,
        }
        cut = {"left_out": self.left_out} if self.left_out else {}
        ranks = {} if self.ranks is None else {"ranks": dict(self.ranks)}
        return {**contract, **cut, **ranks, **self.place}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Attributes:
        query: The question as it was searched for.
        collection: Where.
        mode: `hybrid`, `dense` or `lexical`.
        hits: The passages, best first.
        took_ms: How long it took in the API, in milliseconds.
        note: Why it was not hybrid, or what was not looked through, if there is more to say.
        reranker: What ordered the passages anew; empty if nothing did.
    """

    query: str
    collection: str
    mode: str
    hits: tuple[Hit, ...]
    took_ms: float
    note: str = ""
    reranker: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as the JSON contract has it."""
        answer: dict[str, Any] = {
            "query": self.query,
            "collection": self.collection,
            "hits": [hit.as_dict() for hit in self.hits],
            "took_ms": round(self.took_ms, 2),
            "mode": self.mode,
        }
        more = {"note": self.note, "reranker": self.reranker}
        return {**answer, **{name: said for name, said in more.items() if said}}


def clean(query: str) -> str:
    """Return *query* as it is searched for: control characters are spaces, the ends are bare.

    Raises:
        UsageError: If nothing is left, if it is longer than `QUERY_CHARACTERS`, or if it is
            not text (a lone half of a surrogate pair).
    """
    if len(query) > QUERY_CHARACTERS:
        raise UsageError(
            f"the query has {len(query)} characters, at most {QUERY_CHARACTERS} are searched for",
            hint="Ask with a sentence or a passage; documents are found by their passages.",
        )
    if _SURROGATE.search(query):
        raise UsageError("the query is not valid text", hint="Send it as UTF-8.")
    text = _CONTROL.sub(" ", query).strip()
    if not text:
        raise UsageError("the query is empty", hint="Write what you are looking for.")
    return text


def mode_of(text: str) -> Mode:
    """Return the mode called *text*.

    Raises:
        UsageError: If there is none.
    """
    for mode in MODES:
        if mode == text:
            return mode
    raise UsageError("no such mode", subject=text[:40], hint=f"Known: {', '.join(MODES)}.")


def day(text: str, name: str) -> str:
    """Return the moment at which the day *text* begins, as RFC 3339 in UTC.

    Raises:
        UsageError: If it is no day.
    """
    found = None
    if _DAY.fullmatch(text):
        with suppress(ValueError):  # the 31st of February
            found = date.fromisoformat(text)
    if found is None:
        raise UsageError(
            "not a day", subject=f"{name}: {text[:40]}", hint="Write it like 2026-01-31."
        )
    return f"{found.isoformat()}T00:00:00Z"
