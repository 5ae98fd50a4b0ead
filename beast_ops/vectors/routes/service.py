# SPDX-License-Identifier: Apache-2.0
"""The process itself: what it is, whether it lives, what it counts."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from beast_ops.vectors.answers import Call, reading

VERSION = "1.20.0"  # the server whose REST interface this is; clients compare it with their own
TITLE = "qdrant - vector search engine"  # how clients recognise the interface


async def root(_: Request) -> Response:
    """Say what this is."""
    return JSONResponse({"title": TITLE, "version": VERSION, "commit": "embedded"})


async def alive(_: Request) -> Response:
    """Answer as long as the process does."""
    return PlainTextResponse("healthz check passed")


async def ready(request: Request) -> Response:
    """Answer 200 once every collection is open."""
    if request.app.state.store.ready:
        return PlainTextResponse("all shards are ready")
    return PlainTextResponse("some shards are not ready", 503)


async def metrics(call: Call) -> Any:
    """Return the counters in Prometheus' text form."""
    return call.request.app.state.metrics.exposition(call.store)


async def telemetry(call: Call) -> Any:
    """Return the little that clients may ask; nothing leaves this machine by itself."""
    names = sorted(call.store.collections)
    return {
        "id": "embedded",
        "app": {"name": "qdrant", "version": VERSION, "startup": call.request.app.state.started},
        "collections": {"number_of_collections": len(names)},
    }


ROUTES = [
    Route("/", root, methods=["GET"]),
    Route("/livez", alive, methods=["GET"]),
    Route("/healthz", alive, methods=["GET"]),
    Route("/readyz", ready, methods=["GET"]),
    Route("/metrics", reading(metrics), methods=["GET"]),
    Route("/telemetry", reading(telemetry), methods=["GET"]),
]
