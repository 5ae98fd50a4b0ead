# SPDX-License-Identifier: Apache-2.0
"""Say what went wrong to people, where the rest of the API says it to programs."""

import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from beast_ops.api.problems import Handler

from .shell import HOME, page

TITLES = {403: "Not for you", 404: "Not here", 422: "Not understood", 503: "Not now"}
OTHERWISE = "Something went wrong"


def readable(
    handlers: Mapping[int | type[Exception], Handler],
) -> dict[int | type[Exception], Handler]:
    """Return *handlers* that answer a browser below the pages with a page."""
    return {kind: _readable(handler) for kind, handler in handlers.items()}


def _readable(handler: Handler) -> Handler:
    async def answer(request: Request, failed: Exception) -> Response:
        plain = await handler(request, failed)
        wanted = "text/html" in request.headers.get("accept", "")
        if not (wanted and request.url.path.startswith(HOME)):
            return plain
        told = json.loads(bytes(plain.body))["error"]
        title = TITLES.get(plain.status_code, OTHERWISE)
        values = {"title": title, "message": told["message"], "hint": told["hint"]}
        return page("problem", request, status=plain.status_code, **values)

    return answer
