# SPDX-License-Identifier: Apache-2.0
"""What a release asks of its host, for the preflight to judge before anything changes."""

from typing import Any

from beast_ops.fit.facts import MIB
from beast_ops.fit.known import known
from beast_ops.fit.standing import is_local, load

from .build import Release


def wish(release: Release) -> dict[str, Any]:
    """Return what *release* needs: ports, images, models, memory and more, all as plain data."""
    services = release.services
    domain = release.site.domain
    contained = [each for each in services if each.image is not None]
    listens = [
        {"address": "127.0.0.1", "port": port, "service": each.name}
        for each in services
        for port in each.ports
    ] + [
        {"address": door.address, "port": door.port, "service": each.name}
        for each in services
        for door in each.publish
    ]
    return {
        "runtime": release.site.runtime,
        "project": release.site.project,
        "names": sorted(
            {f"{each.route.host}.{domain}" for each in services if each.route and domain}
        ),
        "listens": listens,
        "acme": release.acme,
        "gpu": any(each.gpu for each in services),
        "models": sorted({model for each in contained for model in each.models}),
        "images": [str(each.image) for each in contained if not each.ours],
        "limits": {
            name: int(str(found["mem_limit"]).removesuffix("m"))
            for name, found in release.definitions.items()
        },
        **_models(release),
    }


def _models(release: Release) -> dict[str, Any]:
    """Return how much memory the models of this host take, and how much they may."""
    memory: dict[str, int] = {}
    limit = None
    for each in release.services:
        if not each.models or not is_local(each):
            continue
        said = release.definitions.get(each.name, {})
        if "mem_limit" in said:
            limit = int(str(said["mem_limit"]).removesuffix("m"))
        used = load(said.get("environment") or {}, vram=None)
        for name in each.models:
            facts = known(name)
            need = None if facts is None else facts.memory(used)
            if need is not None:
                memory[name] = need // MIB
    return {"model_memory": memory, "model_limit": limit}
