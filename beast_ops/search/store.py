# SPDX-License-Identifier: Apache-2.0
"""Speak to the vector store: what a collection is like, and one query.

Collections are asked about through `qdrant-client`. The query alone goes another way: writing
its JSON ourselves takes 1.4 ms of processor time instead of 2.5, for the client builds and
checks a model of every number of a vector; p95 at rest went from 7.1 to 4.2 ms.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from beast_ops import http
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, MissingError, ServiceError, UnavailableError
from beast_ops.keys import read_secret
from beast_ops.knowledge import DENSE, SPARSE

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

FRESH_SECONDS = 5.0
SECONDS = 10
RRF_K = 60  # Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", SIGIR 2009
# Two passages of which each way found one, at the same rank, tie, and the store breaks ties by
# chance: the same question had other answers. So the ranks of meaning weigh a hair less, far less
# than one rank makes: among the first hundred, neighbours differ by 0.6 % and more.
WEIGHTS = (0.999, 1.0)  # of meaning, and of words
NO_STORE = "See: ./beast status; start it with: ./beast deploy"
PLACE = (
    *("path", "type", "title", "heading", "page", "modified", "tags"),
    *("author", "created", "revised", "language"),
)
PAYLOAD = ("text", "source", *PLACE)

Vector = list[float] | tuple[Sequence[int], Sequence[float]] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a search must know of a collection: size, vectors, and who made them.

    `physical` is what its name led to when it was asked: a query must go there and nowhere else,
    for behind the same name there may be vectors of another model by now.
    """

    name: str
    physical: str
    points: int
    dense: bool
    sparse: bool
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One query: at least one of both vectors, a filter in Qdrant's JSON, how many points.

    `vectors` names the vectors to bring along; without `payload` nothing but ids and scores come.
    """

    dense: Sequence[float] | None
    sparse: tuple[Sequence[int], Sequence[float]] | None
    condition: Mapping[str, Any] | None
    limit: int
    vectors: tuple[str, ...] = ()
    payload: bool = True

    def sides(self) -> dict[str, "Wanted"]:
        """Return each way by itself, as it is asked for before both are fused."""
        both = self.dense is not None and self.sparse is not None
        count = _prefetched(self.limit) if both else self.limit
        alone = replace(self, limit=count, vectors=(), payload=False)
        found = {}
        if self.dense is not None:
            found["dense"] = replace(alone, sparse=None)
        if self.sparse is not None:
            found["lexical"] = replace(alone, dense=None)
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """One point that matched, with a vector if one was wanted."""

    id: str
    score: float
    payload: Mapping[str, Any]
    vector: Vector = None


class Store:
    """The vector store, through `qdrant-client`; errors are ours."""

    def __init__(
        self, client: "AsyncQdrantClient", queries: http.AsyncClient, clock: Clock = SYSTEM
    ) -> None:
        """Ask through *client*, search through *queries*.

        Shapes of collections are at most `FRESH_SECONDS` old.
        """
        self._client, self._http, self._clock = client, queries, clock
        self._shapes: dict[str, tuple[float, Shape]] = {}

    async def shape(self, collection: str) -> Shape:
        """Return what *collection* is like.

        Raises:
            MissingError: If there is no such collection.
            UnavailableError: If the store does not answer.
        """
        now = self._clock.monotonic()
        known = self._shapes.get(collection)
        if known is not None and now - known[0] < FRESH_SECONDS:
            return known[1]
        physical = await self.physical(collection) or collection
        with _speaking(collection):
            info = await self._client.get_collection(physical)
        vectors = info.config.params.vectors
        shape = Shape(
            name=collection,
            physical=physical,
            points=info.points_count or 0,
            dense=isinstance(vectors, dict) and DENSE in vectors,
            sparse=SPARSE in (info.config.params.sparse_vectors or {}),
            metadata=info.config.metadata or {},
        )
        self._shapes[collection] = (now, shape)
        return shape

    def forget(self, collection: str) -> None:
        """Look anew what *collection* is like when somebody asks the next time."""
        self._shapes.pop(collection, None)

    async def names(self) -> list[str]:
        """Return the names by which collections are asked: aliases, and what has none.

        Raises:
            UnavailableError: If the store does not answer.
        """
        with _speaking(""):
            aliases = (await self._client.get_aliases()).aliases
            collections = (await self._client.get_collections()).collections
        behind = {alias.collection_name for alias in aliases}
        bare = {each.name for each in collections} - behind
        return sorted(bare | {alias.alias_name for alias in aliases})

    async def physical(self, collection: str) -> str:
        """Return what is behind the alias *collection*; nothing if there is no such alias.

        Raises:
            UnavailableError: If the store does not answer.
        """
        with _speaking(""):
            aliases = (await self._client.get_aliases()).aliases
        behind = {alias.alias_name: alias.collection_name for alias in aliases}
        return behind.get(collection, "")

    async def ready(self) -> None:
        """Return if the store answers to our key.

        Raises:
            UnavailableError: If it does not answer.
            ServiceError: If it refuses us.
        """
        with _speaking(""):
            await self._client.get_collections()

    async def query(self, collection: str, wanted: Wanted) -> list[Found]:
        """Return the points of *collection* that match best, fused if there are two vectors.

        Raises:
            MissingError: If there is no such collection.
            UnavailableError: If the store does not answer.
        """
        import orjson

        try:
            answer = await self._http.post(
                f"/collections/{quote(collection, safe='')}/points/query",
                content=orjson.dumps(_request(wanted)),
                headers={"content-type": "application/json"},
            )
        except http.RequestError as failed:
            raise UnavailableError("the vector store does not answer", hint=NO_STORE) from failed
        if not answer.is_success:
            raise _refusal(answer.status_code, collection)
        points = orjson.loads(answer.content)["result"]["points"]
        return [
            Found(str(each["id"]), each["score"], each.get("payload") or {}, _vector(each))
            for each in points
        ]


@asynccontextmanager
async def open_store(url: str, key: Path | str | None) -> AsyncIterator[Store]:
    """Open the store at *url* with *key*, which a file has if it is a path.

    Raises:
        BeastError: If the key cannot be read.
    """
    from qdrant_client import AsyncQdrantClient

    secret = read_secret(key) if isinstance(key, Path) else key
    headers = {"api-key": secret} if secret is not None else {}
    client = AsyncQdrantClient(
        url=url,
        headers=headers,  # not api_key=: that warns about plain HTTP, even on loopback
        timeout=SECONDS,
        check_compatibility=False,  # a request at start, when the store may not be up yet
        trust_env=False,
    )
    try:
        async with http.async_client(url, headers=headers, seconds=SECONDS) as queries:
            yield Store(client, queries)
    finally:
        await client.close()


def _request(wanted: Wanted) -> dict[str, Any]:
    ways: list[dict[str, Any]] = []
    if wanted.dense is not None:
        ways.append({"query": wanted.dense, "using": DENSE})
    if wanted.sparse is not None:
        indices, values = wanted.sparse
        ways.append({"query": {"indices": indices, "values": values}, "using": SPARSE})
    filtered = {"filter": wanted.condition} if wanted.condition else {}
    common: dict[str, Any] = {"limit": wanted.limit}
    common["with_payload"] = PAYLOAD if wanted.payload else False
    if wanted.vectors:
        common["with_vector"] = wanted.vectors
    if len(ways) == 1:
        return {**common, **ways[0], **filtered}
    candidates = _prefetched(wanted.limit)
    return {
        **common,
        "query": {"rrf": {"k": RRF_K, "weights": WEIGHTS}},
        "prefetch": [{**way, **filtered, "limit": candidates} for way in ways],
    }


def _prefetched(limit: int) -> int:
    """Return how many points each way brings when the best *limit* of both are wanted."""
    return max(30, min(3 * limit, limit + 200))


def _vector(point: Mapping[str, Any]) -> Vector:
    """Return the vector that came with *point*: its meaning, else its words, if any."""
    vectors = point.get("vector") or {}
    if (dense := vectors.get(DENSE)) is not None:
        return list(dense)
    words = vectors.get(SPARSE)
    return (words["indices"], words["values"]) if words is not None else None


@contextmanager
def _speaking(collection: str) -> Iterator[None]:
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except ResponseHandlingException as failed:
        raise UnavailableError("the vector store does not answer", hint=NO_STORE) from failed
    except UnexpectedResponse as refused:
        raise _refusal(refused.status_code or 0, collection) from refused


def _refusal(status: int, collection: str) -> BeastError:
    """Return what it means that the store answered *status* when asked for *collection*."""
    if status == 404 and collection:  # noqa: PLR2004 - Not Found
        return MissingError(
            "there is no such collection",
            subject=collection,
            hint="Fill it with: ./beast ingest FOLDER",
        )
    if status in {502, 503, 504}:
        return UnavailableError("the vector store is not ready", hint=NO_STORE)
    return ServiceError(f"the vector store answered {status}", hint="See: ./beast logs")
