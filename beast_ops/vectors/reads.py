# SPDX-License-Identifier: Apache-2.0
"""Calls that read points: a judged body in, Qdrant's JSON out."""

from __future__ import annotations

from typing import Any

from .building import build
from .collection import Collection, breathe
from .conditions import point_id, point_ids, read_filter
from .edge import engine
from .errors import missing, unsupported, wrong
from .fields import Fields
from .queries import Lookup, Request, read
from .results import record, scored
from .selectors import order_by, with_payload, with_vector
from .store import Store

PAGE = 1000  # points of one scroll that are fetched without others being served


def _fields(body: Any) -> Fields:
    fields = Fields(body, "")
    if "shard_key" in fields:
        raise unsupported("shard_key")
    fields.raw("shard_key")
    return fields


async def retrieve(collection: Collection, body: Any) -> list[dict[str, Any]]:
    """Answer `points`: the points with these ids, as far as they are there."""
    fields = _fields(body)
    ids = point_ids(fields.need("ids", list), "ids")
    payload = fields.read("with_payload", with_payload)
    vectors = with_vector(fields, collection.config.schema)
    fields.done()
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        records = collection.shard.retrieve(page, True if payload is None else payload, vectors)
        found += map(record, records)
        await breathe()
    return found


async def scroll(collection: Collection, body: Any) -> dict[str, Any]:
    """Answer `points/scroll`: a page of points in the order of ids, or of a payload field."""
    fields = _fields(body)
    limit = fields.number("limit", 1, 10) or 10
    offset = fields.read("offset", point_id)
    payload = fields.read("with_payload", with_payload)
    options = {
        "filter": fields.read("filter", read_filter),
        "with_payload": True if payload is None else payload,
        "with_vector": with_vector(fields, collection.config.schema),
    }
    order = fields.read("order_by", order_by)
    fields.done()
    if order is not None:
        return _ordered(collection, options | {"order_by": order, "limit": limit}, offset)
    found: list[dict[str, Any]] = []
    while True:
        size = min(limit - len(found), PAGE)
        request = engine.ScrollRequest(offset=offset, limit=size, **options)
        page, offset = collection.shard.scroll(request)
        found += map(record, page)
        if offset is None or len(found) >= limit:
            return {"points": found, "next_page_offset": offset}
        await breathe()


def _ordered(collection: Collection, options: dict[str, Any], offset: Any) -> dict[str, Any]:
    if offset is not None:
        raise wrong(
            "Cannot use an `offset` when using `order_by`. Page with `order_by.start_from` and a "
            "filter that excludes the IDs already seen"
        )
    page, _ = collection.shard.scroll(engine.ScrollRequest(**options))
    return {"points": [record(each) for each in page], "next_page_offset": None}


async def count(collection: Collection, body: Any) -> dict[str, int]:
    """Answer `points/count`; always exactly."""
    fields = _fields(body)
    chosen = fields.read("filter", read_filter)
    fields.take("exact", bool)
    fields.done()
    return {"count": collection.shard.count(engine.CountRequest(exact=True, filter=chosen))}


async def facet(collection: Collection, body: Any) -> dict[str, Any]:
    """Answer `facet`: the commonest values of an indexed payload field."""
    fields = _fields(body)
    request: dict[str, Any] = {
        "key": fields.need("key", str),
        "limit": fields.number("limit", 1, 10),
        "filter": fields.read("filter", read_filter),
        "exact": fields.take("exact", bool, default=False),
    }
    fields.done()
    try:
        hits = collection.shard.facet(engine.FacetRequest(**request))
    except ValueError as error:
        raise wrong(str(error)) from error
    return {"hits": [{"value": hit.value, "count": hit.count} for hit in hits]}


async def query(store: Store, collection: Collection, body: Any) -> dict[str, Any]:
    """Answer `points/query`."""
    request = read(body, collection.config.schema)
    return {"points": _run(store, collection, request)}


async def query_batch(store: Store, collection: Collection, body: Any) -> list[dict[str, Any]]:
    """Answer `points/query/batch`: all queries are judged before the first runs."""
    fields = Fields(body, "")
    searches = fields.need("searches", list)
    fields.done()
    requests = [read(each, collection.config.schema) for each in searches]
    answers = []
    for request in requests:
        answers.append({"points": _run(store, collection, request)})
        await breathe()
    return answers


def _run(store: Store, collection: Collection, request: Request) -> list[dict[str, Any]]:
    known = {each: _vector(store, collection, each) for each in set(request.lookups())}
    return [scored(point) for point in collection.shard.query(build(request, known))]


def _vector(store: Store, collection: Collection, lookup: Lookup) -> Any:
    source = collection if lookup.collection is None else store.find(lookup.collection)
    found = source.shard.retrieve([lookup.id], payload=False, vector=[lookup.vector])
    if not found:
        raise missing(f"No point with id {lookup.id} found")
    vectors = found[0].vector
    vector = vectors.get(lookup.vector) if isinstance(vectors, dict) else vectors
    if vector is None:
        raise wrong(f"Point {lookup.id} does not have the vector {lookup.vector!r}")
    return vector
