# SPDX-License-Identifier: Apache-2.0
"""Refusals: one JSON shape for all of them, and what each of our errors means over HTTP.

`{"error": {"code": …, "message": …, "hint": …, "id": …}}`; under the `id` the log has what was
asked for, and the traceback of an error that nobody foresaw. Answers never hold a traceback, or
what was sent.
"""

import logging
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from beast_ops.errors import (
    BeastError,
    ConflictError,
    DocumentError,
    MissingError,
    PreflightError,
    ServiceError,
    TransientError,
    UsageError,
)

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

LOG = logging.getLogger("beast.api")
RETRY_SECONDS = 2
ID = b"x-request-id"

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    431: "head_too_large",
    500: "internal",
    503: "unavailable",
}
HINTS = {
    400: "Send valid JSON, as /docs describes.",
    401: "Send the header Authorization: Bearer TOKEN; the token is in the API's secrets folder.",
    403: "This request is not allowed.",
    404: "The routes are listed at /docs.",
    405: "The methods of each route are listed at /docs.",
    408: "Send it faster, or in smaller pieces.",
    409: "Look at the current state first.",
    413: "Send less at once.",
    415: "Send JSON with the header Content-Type: application/json.",
    422: "Compare with the schema at /docs.",
    429: "Wait a moment, then try again.",
    431: "Send fewer and shorter headers.",
    500: "See: ./beast logs",
    503: "Try again in a moment; see: ./beast health",
}
# The first class that fits counts, so the special stand before the general.
_STATUS: tuple[tuple[type[BeastError], int], ...] = (
    (MissingError, 404),
    (ConflictError, 409),
    (PreflightError, 409),
    (UsageError, 422),
    (DocumentError, 422),
    (TransientError, 503),
    (ServiceError, 503),
)


class Fault(BaseModel):
    """What went wrong and what to do next."""

    code: str
    message: str
    hint: str
    id: str


class Problem(BaseModel):
    """Every refusal has this shape."""

    error: Fault


def refusal(
    status: int, message: str, hint: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer that refuses with *status*, saying *message* and what to do next."""
    return _answer(status, {"message": message, "hint": hint or HINTS.get(status, "")}, headers)


def handlers() -> dict[int | type[Exception], Handler]:
    """Return what answers each kind of error, for an application."""
    return {
        HTTPException: _from_framework,
        RequestValidationError: _from_validation,
        BeastError: _from_us,
        ClientDisconnect: _gone,
        Exception: unforeseen,
    }


async def unforeseen(request: Request, failure: Exception) -> Response:
    """Log *failure* under a new id and answer with that id, not with its words."""
    number = new_id()
    _tell(request, number)
    LOG.error("%s: %s %r failed", number, request.method, request.url.path, exc_info=failure)
    return _answer(500, {"message": "something went wrong here", "hint": HINTS[500], "id": number})


def _tell(request: Request, number: str) -> None:
    """Have it known that something failed here, as far as this process is put together."""
    app = request.scope.get("app")
    house = getattr(getattr(app, "state", None), "house", None)
    if house is not None:
        house.events.publish("system.error", error=number, path=request.url.path)


async def _from_framework(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, HTTPException)  # noqa: S101 - registered for nothing else
    return refusal(refused.status_code, str(refused.detail), headers=refused.headers)


async def _from_validation(_: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, RequestValidationError)  # noqa: S101 - registered for nothing else
    errors = wrong.errors()
    if any(error["type"] == "json_invalid" for error in errors):
        return refusal(400, "the body is not valid JSON")
    # Names and rules only: the value could be a secret sent to the wrong place.
    places = (
        (
            ".".join(str(part) for part in error["loc"] if part != "body"),
            error["msg"].removeprefix("Value error, "),
        )
        for error in errors
    )
    return refusal(422, "; ".join(f"{where or 'body'}: {what}" for where, what in places))


async def _gone(_: Request, __: Exception) -> Response:
    return refusal(400, "the connection ended before the body did")  # told to the figures alone


async def _from_us(request: Request, failed: Exception) -> Response:
    assert isinstance(failed, BeastError)  # noqa: S101 - registered for nothing else
    status = next((status for kind, status in _STATUS if isinstance(failed, kind)), None)
    if status is None:
        return await unforeseen(request, failed)
    where = f" ({failed.subject})" if failed.subject else ""
    headers = {"retry-after": str(RETRY_SECONDS)} if isinstance(failed, TransientError) else None
    return refusal(status, f"{failed}{where}", failed.hint, headers)


def new_id() -> str:
    """Return what tells one refusal from all others."""
    return uuid.uuid4().hex[:12]


def _answer(
    status: int, fault: dict[str, str], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    code = CODES.get(status, "error")
    fault = {"code": code, "id": new_id(), **fault}
    more = {**(headers or {}), ID.decode(): fault["id"]}
    return JSONResponse({"error": fault}, status, headers=more)
