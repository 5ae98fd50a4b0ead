# SPDX-License-Identifier: Apache-2.0
"""The events: what happened, and what happens while one looks."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_events as api
from beast_ops.api.house import House, InHouse
from beast_ops.api.rules import needs
from beast_ops.events.model import KNOWN, NAMES

from .shell import HOME, page
from .told import told

router = APIRouter(prefix=f"{HOME}/events", include_in_schema=False)
SHOWN = 100


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse, names: api.Names = "") -> Response:
    """Show the newest events."""
    return page(
        "events",
        request,
        here="events",
        title="Events",
        kinds=sorted(NAMES),
        known=sorted(KNOWN),
        **await _seen(house, names),
    )


@router.get("/now")
@needs(Scope.READ)
async def now(request: Request, house: InHouse, names: api.Names = "") -> Response:
    """Show the newest events at this moment."""
    return page("events_now", request, **await _seen(house, names))


async def _seen(house: House, names: str) -> dict[str, Any]:
    return {"events": await told(api.history(house, SHOWN, 0, names)), "names": names}
