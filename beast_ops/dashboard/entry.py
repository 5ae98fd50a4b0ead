# SPDX-License-Identifier: Apache-2.0
"""The page one signs in on, the only one that strangers see."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from .shell import HOME, page

LOGIN = f"{HOME}/login"
router = APIRouter()


@router.get(LOGIN)
async def login(request: Request) -> Response:
    """Show where the code is typed in."""
    return page("login", request)
