# SPDX-License-Identifier: Apache-2.0
"""Search one collection: by meaning and by words where both are possible, in one query."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError
from beast_ops.ingest.sparse import LANGUAGE, Bm25Encoder

from .filters import condition, fits, wild
from .model import Answer, Hit, SearchOptions, clean
from .snippet import snippet
from .store import PLACE, Found, Shape, Store, Wanted

Embed = Callable[[Mapping[str, Any], str], Awaitable[Sequence[float]]]

WIDE = 20  # times as many candidates when a glob drops some of them afterwards
WIDE_MOST = 1000


class Searcher:
    """Answers questions from one vector store."""

    def __init__(self, store: Store, embed: Embed, clock: Clock = SYSTEM) -> None:
        """Search *store*; *embed* makes a vector of a question, as the metadata says."""
        self._store, self._embed, self._clock = store, embed, clock

    async def search(self, query: str, options: SearchOptions) -> Answer:
        """Return the passages that answer *query* best.

        A query of nothing but stop words finds nothing by words; that is an empty result.

        Raises:
            UsageError: If the query cannot be searched for.
            MissingError: If there is no such collection.
            UnavailableError: If the vector store does not answer.
        """
        begun = self._clock.monotonic()
        text = clean(query)
        shape = await self._store.shape(options.collection)
        dense, note = await self._dense(shape, text)
        sparse = _sparse(shape, text)
        hits: tuple[Hit, ...] = ()
        if dense is not None or sparse is not None:
            limit = min(WIDE_MOST, options.limit * WIDE) if wild(options) else options.limit
            wanted = Wanted(dense, sparse, condition(options), limit)
            found = await self._store.query(options.collection, wanted)
            fitting = [point for point in found if fits(options, point.payload)]
            hits = tuple(_hit(point, text) for point in fitting[: options.limit])
        took = (self._clock.monotonic() - begun) * 1000
        return Answer(text, options.collection, _mode(dense, sparse), hits, took, note)

    async def _dense(self, shape: Shape, text: str) -> tuple[Sequence[float] | None, str]:
        if not shape.dense:
            return None, ""
        try:
            return await self._embed(shape.metadata, text), ""
        except BeastError as failed:
            return None, f"found by words only: {failed.paragraph()}"


def _mode(dense: object, sparse: object) -> str:
    if dense is None:
        return "lexical"
    return "dense" if sparse is None else "hybrid"


def _sparse(shape: Shape, text: str) -> tuple[Sequence[int], Sequence[float]] | None:
    if not shape.sparse:
        return None
    found = Bm25Encoder(str(shape.metadata.get("language") or LANGUAGE)).query(text)
    return found if found[0] else None


def _hit(point: Found, query: str) -> Hit:
    payload = point.payload
    place = {name: payload[name] for name in PLACE if payload.get(name) not in (None, "", [])}
    return Hit(
        score=point.score,
        chunk=point.id,
        source=str(payload.get("source", "")),
        text=snippet(str(payload.get("text", "")), query),
        place=place,
    )
