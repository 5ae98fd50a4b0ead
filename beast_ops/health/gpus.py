# SPDX-License-Identifier: Apache-2.0
"""Whether what a model server claims of GPUs is true: as seen on the host, or told by its agent."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from beast_ops import http
from beast_ops.agent.client import gpus
from beast_ops.cards import Service, Services
from beast_ops.errors import BeastError
from beast_ops.fit.standing import is_local
from beast_ops.gpu import speeds
from beast_ops.gpu.judge import Case, Claims, held, judge, size, without
from beast_ops.gpu.model import Device, Reading, Trouble
from beast_ops.llm import listing
from beast_ops.place import Place

from .engine import Probe, aside
from .model import Finding, Status
from .services import Keys, client
from .sight import Sight
from .standpoint import Standpoint, on_host

SECONDS = 20.0  # a driver and a container may take eight each, and then say why
CLAIM_SECONDS = 3.0
MORE = "Run: ./beast gpu"
# What may be true for a moment, while a model comes or goes, and is looked at twice. Claims that
# differ are no claims: as long as a model is loaded, and until its first answer is over, Ollama
# says anew each time until when it stays (its PsHandler).
PASSING = frozenset({"fallback", "orphans"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What was held against each other, and what is wrong."""

    case: Case
    troubles: tuple[Trouble, ...]


def probes(
    found: Services, keys: Keys, through: http.AsyncClient, here: Standpoint
) -> tuple[Probe, ...]:
    """Return the look at the GPUs, where models run and somebody can see them.

    Args:
        found: What is in force.
        keys: Finds the key that opens a service.
        through: The client all looks share.
        here: Where we look from.
    """
    service = server_of(found)
    has_agent = any(each.health.deep == "agent" for each in found)
    if service is None or (here.inside and not has_agent):
        return ()
    sight = Sight(service, through, keys(service), found, here)

    async def look_at_gpus() -> Finding:
        try:
            return finding(await see(sight))
        except BeastError as failed:
            return Finding(Status.DEGRADED, f"nobody tells how the GPUs are: {failed}")

    return (Probe("gpu", look_at_gpus, SECONDS, late=Status.DEGRADED),)


def server_of(found: Services) -> Service | None:
    """Return the model server among *found*, if there is one."""
    return next((each for each in found if each.health.deep == "models"), None)


async def see(sight: Sight) -> Seen:
    """Return what the model server of *sight* claims, what the drivers say, and what is wrong.

    Raises:
        BeastError: If we are in a container, and the agent of the host does not tell.
    """
    claims = await _claims(sight)
    found = await aside(lambda: _case(sight, _reading(sight), claims))
    troubles = judge(found)
    if any(each.kind in PASSING for each in troubles):
        before = await _claims(sight)
        reading = await aside(lambda: _reading(sight, fresh=True))
        after = await _claims(sight)
        found = replace(found, reading=reading, claims=after if after == before else None)
        troubles = judge(found)
    return Seen(found, troubles)


def _reading(sight: Sight, *, fresh: bool = False) -> Reading:
    here = sight.standpoint
    return gpus(here.root, inside=here.inside, seconds=SECONDS, fresh=fresh)


def look(place: Place, found: Services | None, keys: Keys) -> Seen:
    """Return what is true on the host of *place*.

    Args:
        place: The installation.
        found: What is in force; nothing if nothing is deployed.
        keys: Finds the key that opens a service.
    """
    service = server_of(found) if found else None
    if found is None or service is None:
        reading = gpus(place.root, inside=False)
        return Seen(Case(reading), reading.troubles)
    known, here, server = found, on_host(found), service

    async def one() -> Seen:
        async with client([server], here) as through:
            return await see(Sight(server, through, keys(server), known, here))

    return asyncio.run(one())


async def _claims(sight: Sight) -> Claims | None:
    """Return what the server says of its models; that it does not is told by its own check."""
    if sight.address is None:
        return None
    try:
        async with asyncio.timeout(CLAIM_SECONDS):
            return listing.running(await sight.json("/api/ps", sight.bearer))
    except (BeastError, TimeoutError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _case(sight: Sight, reading: Reading, claims: Claims | None) -> Case:
    book = speeds.read(speeds.speeds_file(sight.data))
    digests = {name: each.digest for name, each in (claims or {}).items()}
    paces = speeds.paces(book, key_of(sight.service), digests)
    return Case(reading, claims, paces, is_local(sight.service))


def key_of(service: Service) -> str:
    """Return what a model server is called among speeds: the same from wherever one looks."""
    return str(service.address) if service.external else service.name


def finding(seen: Seen) -> Finding:
    """Return how *seen* is told; a GPU that is not used stands in nobody's way."""
    details = _details(seen)
    if seen.troubles:
        return Finding(Status.DEGRADED, f"{_words(seen.troubles)}. {MORE}", details)
    devices = seen.case.reading.devices
    if not devices:
        return Finding(Status.HEALTHY, without(seen.case), details)
    used = sum(each.used or 0 for each in devices)
    total = sum(each.total or 0 for each in devices)
    many = f"{len(devices)} GPU{'' if len(devices) == 1 else 's'}"
    words = f"{many}, {size(used)} of {size(total)} in use" if total else many
    return Finding(Status.HEALTHY, words, details)


def _words(troubles: tuple[Trouble, ...]) -> str:
    first = troubles[0]
    more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
    return f"{first.subject}{': ' if first.subject else ''}{first.message}{more}"


def _details(seen: Seen) -> dict[str, Any]:
    case = seen.case
    claimed = sum(each.vram_bytes for each in (case.claims or {}).values())
    return {
        "driver": case.reading.driver,
        "devices": [_device(each) for each in case.reading.devices],
        "troubles": [each.model_dump() for each in seen.troubles],
        "claimed_bytes": None if case.claims is None else claimed,
        "held_bytes": held(case.reading),
        "speeds": {
            each.model: {"recent": round(each.recent, 2), "usual": _rounded(each.usual)}
            for each in case.paces
        },
    }


def _device(device: Device) -> dict[str, Any]:
    """Return *device* without its processes: they are nobody's business but the host's."""
    return device.model_dump(exclude={"holders"})


def _rounded(speed: float | None) -> float | None:
    return None if speed is None else round(speed, 2)
