# SPDX-License-Identifier: Apache-2.0
"""What a release asks of its host, for the preflight to judge before anything changes."""

from typing import Any

from .build import Release


def wish(release: Release) -> dict[str, Any]:
    """Return what *release* needs: ports, images, memory, all as plain data by service."""
    services = release.services
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
        "domain": release.site.domain,
        "listens": listens,
        "images": [str(each.image) for each in contained if not each.ours],
        "limits": {
            name: int(str(found["mem_limit"]).removesuffix("m"))
            for name, found in release.definitions.items()
        },
    }
