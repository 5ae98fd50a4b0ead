# SPDX-License-Identifier: Apache-2.0
"""Search one collection: by meaning and by words where both are possible, in one query."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, ConflictError, MissingError
from beast_ops.ingest.sparse import LANGUAGE, Bm25Encoder
from beast_ops.knowledge import DENSE, SPARSE

from .choose import candidates, choose, fit, suffices
from .filters import condition
from .model import LIMIT_MOST, Answer, Hit, Mode, SearchOptions, clean
from .query import Parsed, parse
from .rerank import Reranked, Reranking
from .snippet import left_out, snippet
from .store import PLACE, Found, Shape, Store, Wanted

Sides = Mapping[str, Mapping[str, Mapping[str, Any]]]  # rank and score by way and point
Embed = Callable[[Mapping[str, Any], str], Awaitable[Sequence[float]]]

_SHORT = "only the best {} candidates were looked through, there may be more"


class Searcher:
    """Answers questions from one vector store."""

    def __init__(
        self,
        store: Store,
        embed: Embed,
        clock: Clock = SYSTEM,
        reranking: Reranking | None = None,
    ) -> None:
        """Search a store.

        Args:
            store: Where.
            embed: Makes a vector of a question, as the metadata of a collection says.
            clock: Measures how long it takes.
            reranking: Orders the best candidates anew where that is asked for.
        """
        self._store, self._embed, self._clock = store, embed, clock
        self._reranking = reranking or Reranking()

    async def search(self, query: str, options: SearchOptions) -> Answer:
        """Return the passages that answer *query* best.

        A query of nothing but stop words finds nothing by words; that is an empty result.

        Raises:
            UsageError: If the query cannot be searched for.
            ConflictError: If the collection has nothing to search in that way.
            MissingError: If there is no such collection.
            UnavailableError: If the vector store does not answer; or the model server, when
                meaning alone is asked for.
        """
        try:
            return await self._search(query, options)
        except MissingError:  # what its name led to a moment ago was dropped, perhaps
            self._store.forget(options.collection)
            return await self._search(query, options)

    async def vector(self, collection: str, text: str) -> Sequence[float]:
        """Return the vector of *text* as those of the passages of *collection* are made.

        Raises:
            ConflictError: If these have none.
            BeastError: As `search`.
        """
        shape = await self._store.shape(collection)
        if not shape.dense:
            raise ConflictError("this collection has no vectors of meaning", subject=collection)
        return await self._embed(shape.metadata, text)

    async def _search(self, query: str, options: SearchOptions) -> Answer:
        begun = self._clock.monotonic()
        text = clean(query)
        asked, options = parse(text, options)
        shape = await self._store.shape(options.collection)
        named, options = options.collection, replace(options, collection=shape.physical)
        _refuse_without(shape, options.mode)
        dense, note = await self._dense(shape, asked.text, options.mode)
        sparse = _sparse(shape, asked.text) if options.mode != "dense" else None
        hits = _Hits()
        if dense is not None or sparse is not None:
            vectors = () if options.mmr is None else (DENSE if shape.dense else SPARSE,)
            wanted = Wanted(dense, sparse, condition(options), options.limit, vectors)
            hits = await self._hits(wanted, asked, options)
            note = "; ".join(filter(None, (note, *hits.notes)))
        took = (self._clock.monotonic() - begun) * 1000
        mode = _mode(dense, sparse)
        return Answer(text, named, mode, hits.hits, took, note, hits.reranker)

    async def _hits(self, wanted: Wanted, asked: Parsed, options: SearchOptions) -> "_Hits":
        """Return what is found, and what is to be said if there may be more."""
        short, least = "", self._least(options)
        for limit in candidates(options, asked):
            wanted = replace(wanted, limit=max(limit, least))
            found = await self._store.query(options.collection, wanted)
            chosen = choose(found, asked, options)
            enough = suffices(chosen, options) or len(found) < wanted.limit
            short = "" if enough else _SHORT.format(wanted.limit)
            if not short:
                break
        sides = await self._sides(wanted, options)
        made = Reranked(found)
        if options.rerank:
            fitting = fit(found, asked, options)
            pool = fitting[:least]
            made = await self._reranking.order(asked.text, pool)
            if made.title:
                chosen = choose(made.found, asked, options)
                if len(pool) < len(fitting) and not suffices(chosen, options):
                    short = _SHORT.format(least)
            sides = {**sides, **_ranks(pool, made)} if options.explain else sides
        hits = tuple(_hit(point, asked.text, options, sides) for point in chosen)
        return _Hits(hits, (short, made.note), made.title)

    def _least(self, options: SearchOptions) -> int:
        """Return how many candidates are ordered anew: as many as are wanted, at least."""
        if not options.rerank:
            return 0
        wanted = options.limit * max(1, options.group)
        return max(min(LIMIT_MOST, wanted), self._reranking.candidates)

    async def _sides(self, wanted: Wanted, options: SearchOptions) -> Sides:
        """Return rank and score of each point, by the way it was found, if that is asked for."""
        if not options.explain:
            return {}
        found = {}
        for way, alone in wanted.sides().items():
            points = await self._store.query(options.collection, alone)
            found[way] = {
                point.id: {"rank": rank, "score": point.score}
                for rank, point in enumerate(points, start=1)
            }
        return found

    async def _dense(
        self, shape: Shape, text: str, mode: Mode
    ) -> tuple[Sequence[float] | None, str]:
        if not shape.dense or mode == "lexical":
            return None, ""
        try:
            return await self._embed(shape.metadata, text), ""
        except BeastError as failed:
            if mode == "dense":
                raise
            return None, f"found by words only: {failed.paragraph()}"


@dataclass(frozen=True, slots=True)
class _Hits:
    """Hits, what is to be said of them, and what ordered them anew."""

    hits: tuple[Hit, ...] = ()
    notes: tuple[str, ...] = ()
    reranker: str = ""


def _ranks(pool: Sequence[Found], made: Reranked) -> Sides:
    """Return rank and score of each candidate before and after it was ordered anew."""
    orders = {"fused": pool, **({"rerank": made.found} if made.title else {})}
    return {
        way: {
            point.id: {"rank": rank, "score": point.score}
            for rank, point in enumerate(points, start=1)
        }
        for way, points in orders.items()
    }


def _refuse_without(shape: Shape, mode: Mode) -> None:
    if mode == "dense" and not shape.dense:
        raise ConflictError(
            "this collection has no vectors of meaning",
            subject=shape.name,
            hint="Search it by words: --mode lexical.",
        )
    if mode == "lexical" and not shape.sparse:
        raise ConflictError(
            "this collection has no index of words",
            subject=shape.name,
            hint="Search it by meaning: --mode dense.",
        )


def _mode(dense: object, sparse: object) -> str:
    if dense is None:
        return "lexical"
    return "dense" if sparse is None else "hybrid"


def _sparse(shape: Shape, text: str) -> tuple[Sequence[int], Sequence[float]] | None:
    if not shape.sparse:
        return None
    found = Bm25Encoder(str(shape.metadata.get("language") or LANGUAGE)).query(text)
    return found if found[0] else None


def _hit(point: Found, query: str, options: SearchOptions, sides: Sides) -> Hit:
    payload = point.payload
    text = str(payload.get("text", ""))
    shown = text if options.whole else snippet(text, query)
    place = {name: payload[name] for name in PLACE if payload.get(name) not in (None, "", [])}
    return Hit(
        score=point.score,
        chunk=point.id,
        source=str(payload.get("source", "")),
        text=shown,
        place=place,
        left_out=left_out(text, shown),
        ranks={way: known.get(point.id) for way, known in sides.items()} if sides else None,
    )
