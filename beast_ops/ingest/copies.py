# SPDX-License-Identifier: Apache-2.0
"""What the store is asked for so that one collection can take the place of another."""

from collections.abc import Iterator, Sequence
from typing import Any

from beast_ops.knowledge import DENSE

from .store import Point, PointStore

PAGE = 256


def points_of(
    store: PointStore, collection: str, sources: Sequence[str], *, dense: bool = False
) -> Iterator[Point]:
    """Yield the points of *sources*, with dense vectors or none; raises as `PointStore.call`."""
    for point in _scroll(
        store, collection, sources, payload=True, vectors=[DENSE] if dense else []
    ):
        vectors = point.get("vector") or {}
        yield Point(str(point["id"]), point["payload"], dense=vectors.get(DENSE))


def ids_of(store: PointStore, collection: str, sources: Sequence[str]) -> set[str]:
    """Return the ids of the points of *sources*; raises as `PointStore.call` does."""
    return {str(point["id"]) for point in _scroll(store, collection, sources, payload=False)}


def count(store: PointStore, collection: str) -> int:
    """Return how many points *collection* has; raises as `PointStore.call` does."""
    asked = store.call("POST", f"/collections/{collection}/points/count", {"exact": True})
    return int(asked["count"])


def names(store: PointStore) -> set[str]:
    """Return the names of all collections; raises as `PointStore.call` does."""
    return {str(each["name"]) for each in store.call("GET", "/collections")["collections"]}


def switch(store: PointStore, alias: str, collection: str) -> None:
    """Have *alias* lead to *collection*, in one step; raises as `PointStore.call` does."""
    actions = [
        {"delete_alias": {"alias_name": alias}},
        {"create_alias": {"alias_name": alias, "collection_name": collection}},
    ]
    store.call("POST", "/collections/aliases", {"actions": actions})


def drop(store: PointStore, collection: str) -> None:
    """Delete *collection* if it is there; raises as `PointStore.call` does."""
    if collection in names(store):
        store.call("DELETE", f"/collections/{collection}")


def _scroll(
    store: PointStore,
    collection: str,
    sources: Sequence[str],
    *,
    payload: bool,
    vectors: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    offset: Any = None
    condition = {"must": [{"key": "source", "match": {"any": list(sources)}}]}
    while True:
        body = {
            "limit": PAGE,
            "filter": condition,
            "with_payload": payload,
            "with_vector": list(vectors) or False,
            "offset": offset,
        }
        page = store.call("POST", f"/collections/{collection}/points/scroll", body)
        yield from page["points"]
        offset = page.get("next_page_offset")
        if offset is None:
            return
