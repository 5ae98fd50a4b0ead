# SPDX-License-Identifier: Apache-2.0
"""How requests come in and answers go out: bodies, envelopes, refusals."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .collection import Collection
from .errors import RefusedError, broken, forbidden, malformed, too_large
from .store import Store

log = logging.getLogger(__name__)

DRAIN = 256 * 1024 * 1024
MAX_BODY = 32 * 1024 * 1024  # the server's default, service.max_request_size_mb


class Call:
    """One request on its way: where it points, what it carries."""

    def __init__(self, request: Request) -> None:
        """Wrap *request*, whose application has the store."""
        self.request = request
        self.store: Store = request.app.state.store

    @property
    def name(self) -> str:
        """The collection's name in the path."""
        return str(self.request.path_params["name"])

    @property
    def collection(self) -> Collection:
        """The collection of that name, or of that alias."""
        return self.store.find(self.name)

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean of the query string."""
        text = self.request.query_params.get(name)
        if text is None:
            return default
        if text not in {"true", "false"}:
            raise RefusedError(400, f"Format error in query parameters: {name}={text}")
        return text == "true"

    def status(self, operation: int) -> dict[str, Any]:
        """Return the result of a writing call; without `wait` it is the modest one."""
        done = self.flag("wait", default=False)
        return {"operation_id": operation, "status": "completed" if done else "acknowledged"}

    async def json(self) -> Any:
        """Return the body.

        Raises:
            RefusedError: If it is too large or not JSON.
        """
        raw = await body(self.request, MAX_BODY)
        if not raw:
            raise malformed("the body is empty")
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise malformed(str(error)) from error


async def body(request: Request, limit: int) -> bytes:
    """Return the body of at most *limit* bytes.

    A larger one is read on and thrown away, within reason: a client that is still sending when
    the connection closes never sees the answer.

    Raises:
        RefusedError: If it is larger.
    """
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
        else:
            pieces.clear()
        if size > limit + DRAIN:
            break
    if size > limit:
        raise too_large(limit)
    return b"".join(pieces)


Handler = Callable[[Call], Awaitable[Any]]


def reading(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a call that any key allows."""

    async def endpoint(request: Request) -> Response:
        return await answer(request, handler)

    return endpoint


def writing(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a call that needs the full key."""

    async def endpoint(request: Request) -> Response:
        return await answer(request, handler if request.scope["may_write"] else _refuse)

    return endpoint


async def _refuse(_: Call) -> Any:
    raise forbidden("Write access is required, the key is read-only")


async def answer(request: Request, handler: Handler) -> Response:
    """Return the handler's result in Qdrant's envelope, or its refusal in Qdrant's shape."""
    start = time.perf_counter()
    try:
        result = await handler(Call(request))
    except RefusedError as refused:
        return refusal(refused, start)
    except Exception as error:
        log.exception("%s %s failed", request.method, request.url.path)
        return refusal(broken(f"{type(error).__name__}; see the log"), start)
    if isinstance(result, Response):
        return result
    took = time.perf_counter() - start
    return envelope({"result": result, "status": "ok", "time": took})


def refusal(refused: RefusedError, start: float) -> Response:
    """Return a refusal in Qdrant's shape."""
    took = time.perf_counter() - start
    return envelope({"status": {"error": str(refused)}, "time": took}, refused.status)


def envelope(content: dict[str, Any], status: int = 200) -> Response:
    """Return *content* as JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")
