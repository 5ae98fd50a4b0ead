# SPDX-License-Identifier: Apache-2.0
"""Search, and the collections one can search."""

import asyncio
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, Field, model_validator

from beast_ops.access.model import Scope
from beast_ops.errors import UsageError
from beast_ops.ingest.manifest import NAME_PATTERN
from beast_ops.knowledge import COLLECTION
from beast_ops.notebooks.looking import search_in
from beast_ops.notebooks.model import owner_of
from beast_ops.search.model import (
    GROUP_MOST,
    LIMIT,
    LIMIT_MOST,
    Answer,
    Mode,
    SearchOptions,
    clean,
    day,
)

from .body import Body
from .house import House, InHouse, documents, duplicates_of
from .rules import CACHE_SECONDS, needs

router = APIRouter(tags=["search"])

# Wider than what ingestion takes: others may have filled the store, too.
AnyCollection = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Notebook = Annotated[str, Field(min_length=1, max_length=100)]
Filter = Annotated[str, Field(min_length=1, max_length=4096)]


def _searchable(query: str) -> str:
    try:
        return clean(query)
    except UsageError as wrong:
        raise ValueError(wrong.paragraph()) from wrong


def _day(text: str) -> str:
    try:
        day(text, "day")
    except UsageError as wrong:
        raise ValueError(wrong.paragraph()) from wrong
    return text


Day = Annotated[str, AfterValidator(_day)]


class SearchBody(Body):
    """A question and where to look for its answer."""

    query: Annotated[str, AfterValidator(_searchable)] = Field(
        examples=["How do I rotate the keys?"]
    )
    collection: AnyCollection = COLLECTION
    notebook: Notebook | Annotated[list[Notebook], Field(min_length=1, max_length=20)] | None = (
        Field(
            default=None,
            description="Only in this notebook, or these: by id or name; instead of a collection",
            examples=["Owls"],
        )
    )
    limit: Annotated[int, Field(ge=1, le=LIMIT_MOST)] = LIMIT
    source: Filter | None = Field(default=None, description="URI, path, folder or glob")
    type: Filter | None = Field(default=None, description="Such as pdf or md", examples=["pdf"])
    mode: Mode = Field(default="hybrid", description="By meaning and words, or by one alone")
    whole: bool = Field(default=False, description="Whole passages instead of 500 characters")
    tag: Filter | None = None
    after: Day | None = Field(default=None, description="Changed on this day (UTC) or later")
    before: Day | None = Field(default=None, description="Changed before this day (UTC)")
    explain: bool = Field(default=False, description="Say rank and score of each way")
    group: Annotated[int, Field(ge=0, le=GROUP_MOST)] = Field(
        default=0, description="Passages of one document at most; limit counts documents then"
    )
    mmr: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Avoid likeness: 1 counts relevance alone, 0 variety alone"
    )
    rerank: bool = Field(
        default=False, description="Have a model read the best passages and order them anew"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.notebook is not None and "collection" in self.model_fields_set:
            raise ValueError("notebooks have a collection of their own: name only one of both")
        return self


class RankModel(BaseModel):
    """Where one way of searching alone had a passage; scores compare only within one way."""

    rank: int
    score: float


class HitModel(BaseModel):
    """One passage, best first; scores compare only within one answer."""

    score: float
    source: str
    notebook: str | None = Field(default=None, description="Whose source it is, by its id")
    notebook_source: str | None = Field(default=None, description="Which one, likewise")
    text: str = Field(description="At most 500 characters around the words of the query")
    chunk: str
    left_out: int | None = Field(default=None, description="Characters that text does not show")
    ranks: dict[str, RankModel | None] | None = Field(
        default=None, description="By way; null where the passage was not among its candidates"
    )
    path: str | None = None
    type: str | None = None
    title: str | None = None
    heading: list[str] | None = None
    page: int | None = None
    modified: str | None = None
    tags: list[str] | None = None
    author: str | None = None
    created: str | None = Field(default=None, description="A day or a time, ISO 8601")
    revised: str | None = Field(default=None, description="Likewise, as the document says itself")
    language: str | None = Field(default=None, description="A language tag, or that of a program")


class AnswerModel(BaseModel):
    """What was found; `note` says why it is less than was asked for, if so."""

    query: str
    collection: str
    hits: list[HitModel]
    took_ms: float
    mode: Mode
    note: str | None = None
    reranker: str | None = Field(default=None, description="What ordered the passages anew")


class CollectionModel(BaseModel):
    """A collection: chunks (points), and what made its dense vectors."""

    name: str
    points: int
    documents: int | None
    embedder: str | None
    model: str | None
    language: str | None


class CollectionsModel(BaseModel):
    """All collections."""

    collections: list[CollectionModel]


class PairModel(BaseModel):
    """Two documents that are nearly the same: the share of what they have in common, 0 to 1."""

    share: float
    one: str
    other: str


class DuplicatesModel(BaseModel):
    """Documents of the same content in groups, nearly equal ones in pairs; how many more pairs."""

    equal: list[list[str]]
    alike: list[PairModel]
    more: int


@router.post("/search", response_model=AnswerModel, response_model_exclude_none=True)
@needs(Scope.READ, limit="search", noted=False)
async def search(body: SearchBody, house: InHouse) -> dict[str, Any]:
    """Find passages by meaning and by words, fused by reciprocal rank.

    Control characters in the query count as spaces; an empty query, or one of more than 8000
    characters, is refused; one of nothing but stop words finds nothing.
    In a query, "these words" must stand in the passage as they are, -word must not, and type:pdf,
    tag:, source:, after: and before: filter.
    """
    options = SearchOptions(**body.model_dump(exclude={"query", "notebook"}))
    if body.notebook is None:
        answer = await house.searcher.search(body.query, options)
    else:
        names = (body.notebook,) if isinstance(body.notebook, str) else tuple(body.notebook)
        options = await asyncio.to_thread(house.desk.narrow, names, options)
        answer = await search_in(house.searcher.search, body.query, options)
    note(house, options, answer)
    found = answer.as_dict()
    for hit in found["hits"]:
        if (owner := owner_of(hit["source"])) is not None:
            hit["notebook"], hit["notebook_source"] = owner
    return found


def note(house: House, options: SearchOptions, answer: Answer) -> None:
    """Count a search that was answered, and tell of it; what was asked is nobody's business."""
    house.figures.count_search(answer.mode, answer.took_ms / 1000)
    house.events.publish(
        "rag.queried", collection=options.collection, mode=answer.mode, hits=len(answer.hits)
    )


@router.get("/collections")
@needs(Scope.READ, cache=CACHE_SECONDS)
async def collections(house: InHouse) -> CollectionsModel:
    """List the collections with their sizes."""
    found = []
    for name in await house.store.names():
        shape = await house.store.shape(name)
        found.append(
            CollectionModel(
                name=name,
                points=shape.points,
                documents=await asyncio.to_thread(
                    documents, house.surroundings.data, await house.store.physical(name)
                ),
                embedder=_text(shape.metadata.get("embedder")),
                model=_text(shape.metadata.get("model")),
                language=_text(shape.metadata.get("language")),
            )
        )
    return CollectionsModel(collections=found)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@router.get("/collections/{collection}/duplicates")
@needs(Scope.READ)
async def find_duplicates(
    collection: Annotated[str, Path(pattern=NAME_PATTERN)],
    house: InHouse,
    alike: Annotated[float, Query(ge=0.5, le=1)] = 0.9,
) -> DuplicatesModel:
    """Tell which documents of a collection say the same, or nearly: so much of it at least."""
    shape = await house.store.shape(collection)
    data = house.surroundings.data
    found = await asyncio.to_thread(duplicates_of, data, shape.physical, alike)
    return DuplicatesModel.model_validate(found.as_dict())
