# SPDX-License-Identifier: Apache-2.0
"""Write passages into the vector store.

Collections are made through `qdrant-client`, which takes a second to load, once in the life of a
collection. All else goes another way: writing the JSON of points ourselves is half again as fast
as having the client build and check a model of each.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from beast_ops import http
from beast_ops.errors import ServiceError, SettingsError, TransientError, UnavailableError
from beast_ops.knowledge import DENSE, SPARSE

from .indexed import INDEXED, lacking
from .space import Space

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

SECONDS = 60
PATIENCE_SECONDS = 60.0  # a killed store is back within seconds; a job should not fail for it
BODY_BYTES = 16 << 20  # half of what a Qdrant server takes at once
SERVICE = "the vector store"
HINT = "See: ./beast status"
AWAY = frozenset({502, 503, 504})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Point:
    """One passage as it is stored."""

    id: str
    payload: Mapping[str, Any]
    sparse: tuple[Sequence[int], Sequence[float]] | None = None
    dense: Any = None


def first(name: str) -> str:
    """Return the first collection behind the alias *name*, which cannot have its name."""
    return nth(name, 1)


def nth(name: str, number: int) -> str:
    """Return the collection behind the alias *name* after so many changes of its vectors."""
    return f"{name}--{number}"


class PointStore:
    """The vector store as the worker writes it."""

    def __init__(
        self,
        url: str,
        key: str,
        check: Callable[[], None] = lambda: None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Write to the store at *url* with *key*.

        Args:
            url: Where it is.
            key: What opens it.
            check: Called before each attempt; raises if there shall be none.
            patience: How many seconds to try again while the store is away.
        """
        self._url, self._headers = url, {"api-key": key}
        self._check, self._patience = check, patience
        self._http = http.client(url, headers=self._headers, seconds=SECONDS)

    def find(self, name: str) -> tuple[str, Space] | None:
        """Return the collection behind the alias *name* and its space, if it exists.

        Raises:
            UnavailableError: If the store does not answer.
            SettingsError: If we did not make it.
        """
        found = self.call("GET", "/aliases")["aliases"]
        aliases = {each["alias_name"]: each["collection_name"] for each in found}
        return (aliases[name], self.space(aliases[name])) if name in aliases else None

    def space(self, collection: str) -> Space:
        """Return the space of *collection*; raises as `call` does, if it is not there.

        Raises:
            SettingsError: If we did not make it.
        """
        config = self.call("GET", f"/collections/{collection}")["config"]
        try:
            return Space(**(config.get("metadata") or {}))
        except TypeError as strange:
            raise SettingsError(
                "this collection was not made by ingestion, so its vectors are unknown",
                subject=collection,
                hint="Choose another name with --collection.",
            ) from strange

    def make(self, name: str, collection: str, space: Space) -> None:
        """Make *collection* with *space* behind the alias *name*; behind none if that is empty.

        Raises:
            UnavailableError: If the store does not answer.
            ServiceError: If it refuses.
        """
        from qdrant_client import QdrantClient

        client = QdrantClient(
            url=self._url,
            headers=self._headers,  # not api_key=: that warns about plain HTTP, even on loopback
            timeout=SECONDS,
            check_compatibility=False,  # a request more, and nothing we would not notice
            trust_env=False,
        )
        try:
            self._patiently(lambda: _make(client, name, collection, space))
        finally:
            client.close()

    def index(self, collection: str) -> None:
        """Have *collection* indexed as searches need it by now; raises as `call` does."""
        there = self.call("GET", f"/collections/{collection}")["payload_schema"]
        for field, schema in lacking(there):
            body = {"field_name": field, "field_schema": schema}
            self.call("PUT", f"/collections/{collection}/index", body)

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """Store *points*; raises as `make` does.

        They survive the process of the store when this returns, but a power cut only some
        seconds later: `DocumentState.doubt_after_boot` has them done again.
        """
        content = _encoded({"points": [_as_json(point) for point in points]})
        if len(content) > BODY_BYTES and len(points) > 1:
            half = len(points) // 2
            self.upsert(collection, points[:half])
            self.upsert(collection, points[half:])
            return
        self._patiently(lambda: self._ask("PUT", f"/collections/{collection}/points", content))

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Delete the points *ids*; raises as `make` does."""
        self.call("POST", f"/collections/{collection}/points/delete", {"points": list(ids)})

    def delete_of(self, collection: str, sources: Sequence[str], but: Sequence[str] = ()) -> None:
        """Delete all points of *sources* except the points *but*; raises as `make` does."""
        condition: dict[str, Any] = {"must": [{"key": "source", "match": {"any": list(sources)}}]}
        if but:
            condition["must_not"] = [{"has_id": list(but)}]
        self.call("POST", f"/collections/{collection}/points/delete", {"filter": condition})

    def tell_of(self, collection: str, news: Mapping[str, Mapping[str, Any]]) -> None:
        """Set a payload with all points of each source, which keep all else; raises as `make` does.

        Args:
            collection: Where they are.
            news: The payload by source; sources of the same one cost little more than one.
        """
        alike: dict[bytes, list[str]] = {}
        for source, payload in news.items():
            alike.setdefault(_encoded(payload), []).append(source)
        operations = [
            {
                "set_payload": {
                    "payload": dict(news[sources[0]]),
                    "filter": {"must": [{"key": "source", "match": {"any": sources}}]},
                }
            }
            for sources in alike.values()
        ]
        if operations:
            path = f"/collections/{collection}/points/batch"
            self.call("POST", path, {"operations": operations})

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, again while the store is away; return its result.

        Raises:
            UnavailableError: If it stays away.
            ServiceError: If it refuses.
        """
        import orjson

        content = _encoded(body) if body is not None else None
        answer = self._patiently(lambda: self._ask(method, path, content))
        return orjson.loads(answer.content)["result"]

    def _ask(self, method: str, path: str, content: bytes | None = None) -> http.Response:
        with http.speaking_to(SERVICE, hint=HINT):
            answer = self._http.request(
                method,
                path,
                params={"wait": "true"} if content is not None else None,
                content=content,
                headers={"content-type": "application/json"},
            )
            if answer.status_code in AWAY:
                raise UnavailableError(f"{SERVICE} is not ready", hint=HINT)
            answer.raise_for_status()
            return answer

    def _patiently(self, act: Callable[[], T]) -> T:
        """Return what *act* returns, trying again while the store is away."""
        import stamina

        for attempt in stamina.retry_context(
            on=TransientError, attempts=None, timeout=self._patience, wait_max=2.0, wait_jitter=0.1
        ):
            self._check()
            with attempt:
                return act()
        raise AssertionError  # the context returns or raises

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the connection."""
        self.close()


def _make(client: "QdrantClient", name: str, collection: str, space: Space) -> None:
    """Make what is missing: an earlier attempt may have been cut off anywhere."""
    from qdrant_client import models

    dense = models.VectorParams(size=space.dimension or 1, distance=models.Distance.COSINE)
    sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
    with _speaking():
        if not client.collection_exists(collection):
            client.create_collection(
                collection,
                vectors_config={DENSE: dense} if space.dimension else {},
                sparse_vectors_config={SPARSE: sparse} if space.language else None,
                metadata=space.as_dict(),
            )
        for field, kind in INDEXED.items():
            schema = (
                models.PayloadSchemaType(kind)
                if isinstance(kind, str)
                else models.KeywordIndexParams(**kind)
            )
            client.create_payload_index(collection, field, schema, wait=True)
        if name:
            alias = models.CreateAlias(collection_name=collection, alias_name=name)
            client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])


def _encoded(body: Mapping[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def _as_json(point: Point) -> dict[str, Any]:
    vectors: dict[str, Any] = {}
    if point.sparse is not None:
        indices, values = point.sparse
        vectors[SPARSE] = {"indices": indices, "values": values}
    if point.dense is not None:
        vectors[DENSE] = point.dense
    return {"id": point.id, "vector": vectors, "payload": point.payload}


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn what qdrant-client raises into our own errors."""
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except ResponseHandlingException as failed:
        raise UnavailableError(f"{SERVICE} does not answer: {failed}", hint=HINT) from failed
    except UnexpectedResponse as refused:
        if refused.status_code in AWAY:
            raise UnavailableError(f"{SERVICE} is not ready", hint=HINT) from refused
        reason = refused.content.decode(errors="replace")[:300] or refused.reason_phrase
        raise ServiceError(f"{SERVICE} answered {refused.status_code}: {reason}") from refused
