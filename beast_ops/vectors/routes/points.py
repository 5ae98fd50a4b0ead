# SPDX-License-Identifier: Apache-2.0
"""Points: written, read, searched."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.routing import Route

from beast_ops.vectors import reads
from beast_ops.vectors.answers import Call, Handler, reading, writing
from beast_ops.vectors.conditions import point_id
from beast_ops.vectors.errors import missing
from beast_ops.vectors.points import batch

BASE = "/collections/{name}/points"


async def query(call: Call) -> Any:
    """Search; the one call that is worth the first place in the list."""
    return await reads.query(call.store, call.collection, await call.json())


async def query_batch(call: Call) -> Any:
    """Search several times."""
    return await reads.query_batch(call.store, call.collection, await call.json())


def read(answer: Callable[..., Awaitable[Any]]) -> Handler:
    """Return a handler that answers from a collection and a body."""

    async def handler(call: Call) -> Any:
        return await answer(call.collection, await call.json())

    return handler


def write(kind: str) -> Handler:
    """Return a handler that writes points."""

    async def handler(call: Call) -> Any:
        return call.status(await call.collection.write(kind, await call.json()))

    return handler


async def one(call: Call) -> Any:
    """Return one point with everything."""
    text = call.part("id")
    wanted = point_id(int(text) if text.isdecimal() else text, "id")
    everything = {"ids": [wanted], "with_payload": True, "with_vector": True}
    if found := await reads.retrieve(call.collection, everything):
        return found[0]
    raise missing(f"Point with id {wanted} does not exists!")


async def several(call: Call) -> Any:
    """Do a list of writing calls in order."""
    calls = batch(await call.json())
    number = await call.collection.write_all(calls)
    return [call.status(number) for _ in calls]


ROUTES = [
    Route(f"{BASE}/query", reading(query), methods=["POST"]),
    Route(BASE, writing(write("upsert")), methods=["PUT"]),
    Route(f"{BASE}/delete", writing(write("delete")), methods=["POST"]),
    Route(f"{BASE}/scroll", reading(read(reads.scroll)), methods=["POST"]),
    Route(f"{BASE}/count", reading(read(reads.count)), methods=["POST"]),
    Route(BASE, reading(read(reads.retrieve)), methods=["POST"]),
    Route(f"{BASE}/query/batch", reading(query_batch), methods=["POST"]),
    Route(f"{BASE}/batch", writing(several), methods=["POST"]),
    Route(f"{BASE}/payload", writing(write("set_payload")), methods=["POST"]),
    Route(f"{BASE}/payload", writing(write("overwrite_payload")), methods=["PUT"]),
    Route(f"{BASE}/payload/delete", writing(write("delete_payload")), methods=["POST"]),
    Route(f"{BASE}/payload/clear", writing(write("clear_payload")), methods=["POST"]),
    Route(f"{BASE}/vectors", writing(write("update_vectors")), methods=["PUT"]),
    Route(f"{BASE}/vectors/delete", writing(write("delete_vectors")), methods=["POST"]),
    Route(f"{BASE}/{{id}}", reading(one), methods=["GET"]),
    Route("/collections/{name}/facet", reading(read(reads.facet)), methods=["POST"]),
]
