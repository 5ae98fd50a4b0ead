# SPDX-License-Identifier: Apache-2.0
"""Refusals below /v1 in the shape that clients of OpenAI's API read.

They are `{"error": {"message": …, "type": …, "param": null, "code": …}}`, with our `hint` besides.
Stands before the guard, so that its refusals have that shape, too.
"""

from typing import Any

from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/v1/"
REFUSED = 400
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_SERVER = 500


class OpenAiFault(BaseModel):
    """What went wrong, as OpenAI's clients read it, and what to do next."""

    message: str
    type: str
    param: str | None
    code: str
    hint: str


class OpenAiProblem(BaseModel):
    """Every refusal below /v1 has this shape."""

    error: OpenAiFault


def fault(status: int, code: str, message: str, hint: str) -> dict[str, Any]:
    """Return the body of a refusal with *status*; clients show nothing but the message."""
    kind = "server_error" if status >= _SERVER else "invalid_request_error"
    said = f"{message.rstrip('.')}. {hint}".rstrip()
    error = {"message": said, "type": _TYPES.get(status, kind), "param": None, "code": code}
    return {"error": {**error, "hint": hint}}


class OpenAiErrors:
    """Puts our refusals into that shape; all else passes."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before *app*."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            send = _Rewriter(send)
        await self._app(scope, receive, send)


class _Rewriter:
    """Sends on what it is given; of a refusal it waits for the whole body."""

    def __init__(self, send: Send) -> None:
        self._send, self._start = send, dict[str, Any]()
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= REFUSED:
            self._start = dict(message)
        elif not self._start:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._refuse()

    async def _refuse(self) -> None:
        start, body = self._start, _rewritten(self._start["status"], self._body)
        kept = [each for each in start["headers"] if each[0].lower() != b"content-length"]
        start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _rewritten(status: int, body: bytes) -> bytes:
    import orjson

    try:
        error = orjson.loads(body)["error"]
        code, message, hint = error["code"], error["message"], error["hint"]
    except (ValueError, KeyError, TypeError):
        return body
    return orjson.dumps(fault(status, code, message, hint))
