# SPDX-License-Identifier: Apache-2.0
"""Versions that are known not to work, alone or together.

A further one is a further entry of `BAD`. All conditions of an entry must hold; each names what
it is about (an image's repository, `engine` or `compose`) and the versions from which on and
below which it is so, as text; nothing means any. A tag that moves, such as v3.6, means the newest
of its kind.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from . import reference
from .docker import Docker, version
from .finding import Finding

OPEN_WEBUI = "ghcr.io/open-webui/open-webui"
VECTORS = "qdrant/qdrant"


class Condition(NamedTuple):
    """Something of a version from `since` on and below `until`."""

    of: str
    since: str = ""
    until: str = ""

    def holds(self, versions: dict[str, str]) -> bool:
        """Return whether it is so among *versions*; what has no number is not."""
        found = version(versions.get(self.of, ""))
        newest = (*found, math.inf)
        if not found or newest < version(self.since):
            return False
        return not self.until or newest < version(self.until)


class Bad(NamedTuple):
    """Versions that do not work, why, and what helps."""

    id: str
    when: tuple[Condition, ...]
    because: str
    hint: str
    blocks: bool = True


BAD = (
    Bad(
        "bad-traefik-3-docker-29",
        (Condition("engine", "29"), Condition("traefik", "3", "3.6.1")),
        "Docker 29 answers no client as old as Traefik before 3.6.1 (traefik#12253)",
        "Take Traefik 3.6.1 or newer.",
    ),
    Bad(
        "bad-traefik-2-docker-29",
        (Condition("engine", "29"), Condition("traefik", "", "2.11.31")),
        "Docker 29 answers no client as old as Traefik before 2.11.31 (traefik#12253)",
        "Take Traefik 2.11.31 or newer.",
    ),
    Bad(
        "bad-open-webui-0.11.2",
        (Condition(OPEN_WEBUI, "0.11.2", "0.11.3"),),
        "Open WebUI 0.11.2 fails while it migrates its database (open-webui#29290)",
        "Take Open WebUI 0.11.1.",
    ),
    Bad(
        "bad-open-webui-0.6.16-qdrant",
        (Condition(OPEN_WEBUI, "0.6.16", "0.6.34"), Condition(VECTORS)),
        "Open WebUI 0.6.16 to 0.6.33 finds nothing in Qdrant (open-webui#18155)",
        "Take a newer Open WebUI.",
        blocks=False,
    ),
    Bad(
        "bad-open-webui-0.6.34-qdrant-1.15",
        (Condition(OPEN_WEBUI, "0.6.34", "0.6.35"), Condition(VECTORS, "1.15.4", "1.15.6")),
        "Qdrant 1.15.4 and 1.15.5 refuse what Open WebUI 0.6.34 asks (qdrant#7442)",
        "Take a newer Open WebUI.",
    ),
)


def check_known(images: list[str], docker: Docker) -> Iterator[Finding]:
    """Refuse versions of *images*, engine and Compose that are known not to work."""
    versions = {"engine": docker.engine, "compose": docker.compose}
    for image in map(reference.read, images):
        versions[image.repository] = image.tag
    for bad in BAD:
        if all(condition.holds(versions) for condition in bad.when):
            yield Finding(bad.id, f"{bad.because}.", bad.hint, blocks=bad.blocks)
