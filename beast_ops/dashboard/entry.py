# SPDX-License-Identifier: Apache-2.0
"""The page one signs in on, the only one that strangers see."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from beast_ops.api.asked import LOGIN
from beast_ops.api.rules import OPEN, needs

from .shell import HOME, page

router = APIRouter(include_in_schema=False)


@router.get(LOGIN)
@needs(OPEN, guests=True)
async def login(request: Request) -> Response:
    """Show where the code is typed in."""
    return page("login", request)


@router.get("/")
@needs(OPEN)
async def door() -> Response:
    """Lead to the pages."""
    return RedirectResponse(HOME)
