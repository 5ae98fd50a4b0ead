# SPDX-License-Identifier: Apache-2.0
"""Answer routes that take nothing but who asks, without what FastAPI does for all the others.

Half of the time of such a request goes into looking for parameters that are not there, and into
stacks for what is to be closed after it. The types, the checks of the answer and the refusals
are FastAPI's own still; what takes parameters, a body, or a dependency of another kind than an
`async def` of the request is left to it.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, serialize_response
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

Quick = Callable[[Scope, Receive, Send], Awaitable[None]]
_FIELDS = ("path_params", "query_params", "header_params", "cookie_params", "body_params")
_NAMES = (
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)


def quick(route: BaseRoute) -> Quick | None:
    """Return what answers *route* by itself; nothing if it is not that simple."""
    if not isinstance(route, APIRoute) or route.methods != {"GET"} or not route.response_field:
        return None
    dependant = route.dependant
    if route.dependencies or not all(map(_leaf, dependant.dependencies)) or not _bare(dependant):
        return None
    given = [(str(each.name), each.call) for each in dependant.dependencies]
    asks, endpoint = dependant.request_param_name, route.endpoint

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        values: dict[str, Any] = {asks: request} if asks else {}
        for name, call in given:
            values[name] = await call(request)  # type: ignore[misc] # `_leaf` has seen to it
        found = await endpoint(**values)
        response = found if isinstance(found, Response) else await _written(route, found)
        await response(scope, receive, send)

    return answer


async def _written(route: APIRoute, found: Any) -> Response:
    content = await serialize_response(
        field=route.response_field,
        response_content=found,
        exclude_unset=route.response_model_exclude_unset,
        exclude_none=route.response_model_exclude_none,
        dump_json=True,
    )
    return Response(content, route.status_code or 200, media_type="application/json")


def _bare(dependant: Dependant) -> bool:
    """Return whether what is called is a coroutine that takes the request at most."""
    taken = any(getattr(dependant, each) for each in (*_FIELDS, *_NAMES))
    return not taken and inspect.iscoroutinefunction(dependant.call)


def _leaf(dependant: Dependant) -> bool:
    """Return whether a dependency takes the request and nothing else."""
    return (
        _bare(dependant)
        and not dependant.dependencies
        and dependant.request_param_name == "request"
    )
