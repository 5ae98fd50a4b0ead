# SPDX-License-Identifier: Apache-2.0
"""Whether Valkey answers: asked itself from inside, and of the engine on the host.

It has no port of the host, for nobody there has any business with it; its container asks itself
all the time, and the engine knows the answer.
"""

import asyncio
from urllib.parse import urlsplit

from beast_ops.errors import BeastError

from .engine import aside
from .model import Finding, Status
from .sight import Sight

PORT = 6379
PONG = b"+PONG\r\n"


async def queue(sight: Sight) -> Finding:
    """Return whether it answers whoever has its password."""
    if sight.inside:
        return await _asked(sight)
    try:
        return await aside(lambda: _seen(sight))
    except BeastError as failed:
        return Finding(Status.UNKNOWN, failed.paragraph())


async def _asked(sight: Sight) -> Finding:
    parts = urlsplit(sight.address or "")
    details = {"address": f"{parts.hostname}:{parts.port or PORT}"}
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or PORT)
        try:
            writer.write(_words("AUTH", sight.key or "") + _words("PING"))
            said = [await reader.readline() for _ in range(2)]
        finally:
            writer.close()
    except OSError as failed:
        return Finding(Status.UNHEALTHY, f"does not answer: {failed.strerror or failed}", details)
    if said[1] == PONG:
        return Finding(Status.HEALTHY, "answers", details)
    # What it says to a wrong password does not repeat it.
    told = said[0 if said[0].startswith(b"-") else 1].decode(errors="replace").strip()
    return Finding(Status.UNHEALTHY, f"refuses: {told}", details)


def _words(*words: str) -> bytes:
    """Return a command as the protocol has it: valkey.io/topics/protocol."""
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(parts)}\r\n{''.join(parts)}".encode()


def _seen(sight: Sight) -> Finding:
    from beast_ops.compose.engine import Engine

    found = [
        each
        for each in Engine(sight.service.health.seconds).containers(sight.services.root)
        if each.service == sight.service.name
    ]
    if not found:
        return Finding(Status.UNHEALTHY, "there is no container")
    one = found[0]
    details = {"state": one.state, "health": one.health}
    if one.well and one.health:
        return Finding(Status.HEALTHY, "answers, says its container", details)
    if one.health == "starting":
        return Finding(Status.UNKNOWN, "is starting", details)
    return Finding(Status.UNHEALTHY, f"its container is {one.health or one.state}", details)
