# SPDX-License-Identifier: Apache-2.0
"""Access: who may ask for what, and what was changed by whom."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_access as api
from beast_ops.api.entry import AtGate, InStore
from beast_ops.api.gate import Gate
from beast_ops.api.rules import needs

from .shell import HOME, page
from .told import saying, told

router = APIRouter(prefix=f"{HOME}/settings", include_in_schema=False)
CHANGES = 50


@router.get("")
@needs(Scope.ADMIN)
async def whole(request: Request, store: InStore, gate: AtGate) -> Response:
    """Show the tokens and the newest changes."""
    seen = await _seen(store, gate)
    return page("settings", request, here="settings", title="Access", **seen)


@router.get("/now")
@needs(Scope.ADMIN)
async def now(request: Request, store: InStore, gate: AtGate) -> Response:
    """Show the tokens and changes at this moment."""
    return page("settings_now", request, **await _seen(store, gate))


@router.post("/tokens/{name}/revoke")
@needs(Scope.ADMIN)
async def revoke(name: api.TokenName, request: Request, store: InStore, gate: AtGate) -> Response:
    """Revoke a token."""
    done = await told(api.revoke_token(name, store, gate))
    answer = page("settings_now", request, **await _seen(store, gate))
    if done.trouble:
        return saying(answer, done.trouble.message, "bad")
    return saying(answer, f"{name} opens nothing any more.")


async def _seen(store: InStore, gate: Gate) -> dict[str, Any]:
    tokens, changes = await asyncio.gather(
        told(api.list_tokens(store)), told(api.changes(gate, CHANGES, None))
    )
    return {"tokens": tokens, "changes": changes}
