# SPDX-License-Identifier: Apache-2.0
"""Does the agent on the host answer, over its socket, from the host or from a container?"""

from beast_ops.agent.client import ask
from beast_ops.agent.protocol import Request, socket_of
from beast_ops.errors import BeastError

from .engine import aside
from .model import Finding, Status
from .sight import Sight


async def agent(sight: Sight) -> Finding:
    """Return whether the agent of this host says that it is there."""
    path = socket_of(sight.standpoint.root)
    try:
        await aside(lambda: ask(path, Request(verb="ping"), sight.service.health.seconds))
    except BeastError as failed:
        return Finding(Status.UNHEALTHY, failed.paragraph())
    return Finding(Status.HEALTHY, "answers")
