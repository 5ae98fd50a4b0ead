# SPDX-License-Identifier: Apache-2.0
"""Ask the agent of the host from a route, without holding up the others."""

import asyncio
from typing import Any

from beast_ops.agent.client import SECONDS, ask
from beast_ops.agent.protocol import Request, socket_of

from .house import House


async def asked(house: House, request: Request, seconds: float = SECONDS) -> Any:
    """Return what the agent answers to *request*.

    Args:
        house: Where we are.
        request: What is wanted.
        seconds: How long it may take.

    Raises:
        UnavailableError: If there is no agent, or it does not answer in time.
        BeastError: What the agent says went wrong.
    """
    path = socket_of(house.surroundings.root)
    return await asyncio.to_thread(ask, path, request, seconds)
