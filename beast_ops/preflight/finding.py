# SPDX-License-Identifier: Apache-2.0
"""What a deploy asks of a host, and what is found to stand in its way."""

from __future__ import annotations

from typing import Any, NamedTuple

MIB = 1024 * 1024
COMPOSE = "compose"
LOOPBACK = "127.0.0.1"


class Finding(NamedTuple):
    """Something that stands in the way of a deploy, or may."""

    id: str
    message: str
    hint: str
    blocks: bool = True


class Listen(NamedTuple):
    """A port that a service is to listen on, and where."""

    address: str
    port: int
    service: str


class Wish(NamedTuple):
    """What a deploy needs of a host; sizes are in MiB.

    Attributes:
        root: Where the installation lies, or will.
        python: The oldest Python that will do.
        disk_mib: Least free space at the root.
        memory_mib: Least available memory.
        ports: The port of each service.
        roles: The role of each service.
        runtime: `embedded` or `compose`; all that follows is asked of hosts for containers only.
        project: Name of the installation.
        listens: Every port and address that is listened on; those of `ports`, if it is empty.
        images: References of the images that are wanted.
        image_mib: What is known of their sizes, by reference or repository.
        models: Names of the models that are to be pulled.
        limits: The most memory each service may take.
        model_memory: What each of the wanted models takes in memory, of those that are known.
        model_limit: The most memory the container may take that has the models, if one has.
        subnet: The network of the containers, if it is fixed.
        names: The names the front door is called by.
        acme: How a public authority is convinced: `http`, `dns`, or nothing.
        gpu: Whether a service could use a GPU.
        engine: Where a missing engine comes from: `distribution`, `docker`, or `present`.
        now: Seconds since the epoch where the wish was made.
    """

    root: str
    python: str
    disk_mib: int
    memory_mib: int
    ports: dict[str, int]
    roles: dict[str, str]
    runtime: str = "embedded"
    project: str = ""
    listens: list[dict[str, Any]] = []
    images: list[str] = []
    image_mib: dict[str, int] = {}
    models: list[str] = []
    limits: dict[str, int] = {}
    model_memory: dict[str, int] = {}
    model_limit: int | None = None
    subnet: str | None = None
    names: list[str] = []
    acme: str = ""
    gpu: bool = False
    engine: str = "distribution"
    now: float | None = None

    @property
    def listening(self) -> list[Listen]:
        """Every port that a service is to listen on."""
        if self.listens:
            return sorted(Listen(**said) for said in self.listens)
        return [Listen(LOOPBACK, port, name) for name, port in sorted(self.ports.items())]

    def setting(self, service: str, name: str) -> str:
        """Return the setting *name* of the role of *service*."""
        return f"{self.roles.get(service, service.replace('-', '_'))}_{name}"
