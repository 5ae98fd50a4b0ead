# SPDX-License-Identifier: Apache-2.0
"""Answers that come piece by piece, as server-sent events."""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import StreamingResponse

from beast_ops.errors import BeastError

from .gone import unless_gone
from .problems import HINTS

LOG = logging.getLogger("beast.api")
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events with a name, and JSON as their data",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

Told = tuple[str, Mapping[str, Any]]


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """Return one event called *name*."""
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


async def streamed(request: Request, told: AsyncGenerator[Told]) -> StreamingResponse:
    """Return *told* as a stream; what fails before its first event is told by the status.

    What fails later is told by the event `failed`.
    """
    first = await unless_gone(request, _first(told))
    return StreamingResponse(_events(first, told), media_type="text/event-stream")


async def _first(told: AsyncGenerator[Told]) -> Told:
    return await anext(told)


async def _events(first: Told, told: AsyncGenerator[Told]) -> AsyncGenerator[bytes]:
    async with aclosing(told) as rest:
        try:
            yield event(*first)
            async for each in rest:
                yield event(*each)
        except BeastError as failed:
            LOG.warning("a stream broke off: %s", failed.paragraph())
            yield _failed("unavailable", str(failed), failed.hint)
        except Exception:
            LOG.exception("a stream broke off")
            yield _failed("internal", "something went wrong here", HINTS[500])


def _failed(code: str, message: str, hint: str) -> bytes:
    return event("failed", {"error": {"code": code, "message": message, "hint": hint}})
