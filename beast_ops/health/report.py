# SPDX-License-Identifier: Apache-2.0
"""Report on an installation: `run` looks at everything, `gate` only at what a deploy must prove."""

import asyncio
from pathlib import Path

from beast_ops.cards import Service, Services, read_services
from beast_ops.errors import BeastError
from beast_ops.keys import read_secret
from beast_ops.place import Place

from . import backups, gpus, host, services
from .engine import Probe
from .engine import run as run_probes
from .model import Report
from .services import Keys
from .standpoint import Standpoint, on_host

TARGETS = "targets"  # the check that wants everything else measured
KEY_FILES = ("read_only_key", "api_key")  # looking needs no more than reading


def run(place: Place) -> Report:
    """Look at the services, the machine and the age of the backups of the installation at *place*.

    Raises:
        NotDeployedError: If nothing is deployed there.
        CardError: If its services cannot be read.
    """
    found = read_services(place.require_deployed().services)
    return asyncio.run(survey(found, keys_below(place.secrets), machine=True))


def gate(place: Place, *, closed: bool = False) -> Report:
    """Have the services of the installation at *place* prove themselves; the machine never gates.

    Args:
        place: The installation.
        closed: Whether the front door does not run, nor is everything measured that should be.

    Raises:
        NotDeployedError: If nothing is deployed there.
        CardError: If its services cannot be read.
    """
    found = read_services(place.require_deployed().services)
    if closed:
        behind = [each for each in found if not each.publish and each.health.deep != TARGETS]
        found = found.model_copy(update={"services": tuple(behind)})
    return asyncio.run(survey(found, keys_below(place.secrets), machine=False, thorough=True))


async def survey(
    found: Services,
    keys: Keys,
    *,
    machine: bool,
    standpoint: Standpoint | None = None,
    thorough: bool = False,
) -> Report:
    """Look at all services of *found*, and at the *machine* if wanted, at once.

    Args:
        found: The services of the release.
        keys: Finds the key that opens a service.
        machine: Whether disk, memory and backups matter, too.
        standpoint: Where we look from; the host if left out.
        thorough: Whether each service must prove what it can do.
    """
    here = standpoint or on_host(found)
    async with services.client(found, here) as through:
        looks: tuple[Probe, ...] = services.probes(found, keys, through, here, thorough=thorough)
        if machine:
            looks += host.probes(here.disk()) + backups.probes(found, here)
            looks += gpus.probes(found, keys, through, here)
        return await run_probes(looks)


def keys_below(secrets: Path) -> Keys:
    """Return what finds a service's key in its own folder below *secrets*."""

    def key(service: Service) -> str | None:
        for name in KEY_FILES:
            if name in service.secrets:
                try:
                    return read_secret(secrets / service.name / name)
                except BeastError:
                    continue  # the service will refuse us, which is then the finding
        return None

    return key
