# SPDX-License-Identifier: Apache-2.0
"""Make all looks at once; none can keep the others waiting, or take them down with it."""

import asyncio
import traceback
from collections.abc import Iterable
from pathlib import PurePath

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError
from beast_ops.health.engine import aside
from beast_ops.place import Place

from . import containers, gpus, knowledge, machine, releases, running, secrecy, table, upkeep
from .model import Diagnosis, Look, Scene, scene

SECONDS = 45.0  # three answers of Docker, each of which has a deadline of its own
LOOKS: tuple[Look, ...] = (
    releases.release,
    releases.files,
    releases.environment,
    secrecy.master,
    secrecy.openness,
    secrecy.versions,
    secrecy.handed_over,
    running.services,
    running.altered,
    running.ports,
    running.keeper,
    running.work,
    machine.disk,
    machine.inodes,
    machine.owners,
    machine.leftovers,
    machine.lease,
    containers.engine,
    gpus.gpus,
    upkeep.certificate,
    upkeep.backup,
    upkeep.drill,
    knowledge.length,
)


def examine(
    place: Place, clock: Clock = SYSTEM, looks: Iterable[Look] = LOOKS, seconds: float = SECONDS
) -> list[Diagnosis]:
    """Return everything that is wrong at *place*, in the order of *looks*; nothing is changed.

    Args:
        place: The installation, which need not be there.
        clock: Where time comes from.
        looks: What is looked at.
        seconds: How long one look may take.
    """
    seen = scene(place, clock)
    return asyncio.run(_all(seen, tuple(looks), seconds))


async def _all(seen: Scene, looks: tuple[Look, ...], seconds: float) -> list[Diagnosis]:
    found = await asyncio.gather(*(_one(seen, look, seconds) for look in looks))
    return [each for some in found for each in some]


async def _one(seen: Scene, look: Look, seconds: float) -> list[Diagnosis]:
    try:
        async with asyncio.timeout(seconds):
            return await aside(lambda: list(look(seen)))
    except TimeoutError:
        return [table.LOOK_FAILED.found(f"{_name(look)} took longer than {seconds:g} s")]
    except BeastError as failed:
        return [table.LOOK_FAILED.found(f"{_name(look)}: {failed.paragraph()}")]
    except Exception as unforeseen:  # noqa: BLE001 - a look that fails is a diagnosis
        return [table.LOOK_FAILED.found(f"{_name(look)}: {_where(unforeseen)}")]


def _name(look: Look) -> str:
    return f"{look.__module__.rpartition('.')[2]}.{look.__name__}"


def _where(failure: Exception) -> str:
    """Return kind and place of *failure*, and not its words, which may hold a secret."""
    last = traceback.extract_tb(failure.__traceback__)[-1]
    return f"{type(failure).__name__} at {PurePath(last.filename).name}:{last.lineno}"
