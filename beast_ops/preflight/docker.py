# SPDX-License-Identifier: Apache-2.0
"""What Docker is there: its versions, what it publishes, and where it keeps its images."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .finding import Finding, Wish
from .outside import ask

LABEL = "org.ai-beast.root"  # as in compose/definition.py, which this file cannot import
STORE = Path("/var/lib/docker")
OLDEST_ENGINE = (20, 10)
OLDEST_COMPOSE = (2, 24)
SKIPPED_COMPOSE = (3,)  # there is no 3 and no 4: after 2.40 came 5
NEXT_COMPOSE = (5,)
# The first releases whose own packages have Compose 2.
PACKAGED = {"debian": (13,), "ubuntu": (22, 4)}
BY_HAND = "Install Docker Engine and the Compose plugin, see docs.docker.com/engine/install."


class Published(NamedTuple):
    """A port that a container holds on this host."""

    address: str
    port: int
    name: str
    root: str
    project: str

    @property
    def words(self) -> str:
        """Who it is."""
        return f"the container {self.name}" + (f" of {self.project}" if self.project else "")


class Docker(NamedTuple):
    """Docker as it is on this host; what is not there is empty.

    Attributes:
        program: Path of its program.
        engine: Version of the engine that answers.
        compose: Version of Compose.
        silence: Why no engine answers.
    """

    program: str = ""
    engine: str = ""
    compose: str = ""
    silence: str = ""


def look() -> Docker:
    """Return the Docker of this host."""
    program = shutil.which("docker")
    if program is None:
        return Docker()
    engine = ask("docker", "version", "--format", "{{.Server.Version}}")
    compose = ask("docker", "compose", "version", "--short")
    return Docker(
        program=program,
        engine=engine.text.strip() if engine.well else "",
        compose=compose.text.strip().lstrip("v") if compose.well else "",
        silence="" if engine.well else (engine.complaint.splitlines() or ["no reason given"])[-1],
    )


def version(text: str) -> tuple[int, ...]:
    """Return the numbers at the beginning of *text*, as in v2.26.1-4."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def check_docker(wish: Wish, docker: Docker, system: dict[str, str]) -> Iterator[Finding]:
    """Refuse a Docker that cannot run the stack, and a missing one nobody can install.

    *system* is what /etc/os-release says.
    """
    strange = list(_kind(docker))
    yield from strange or _old(docker)
    yield from _missing(wish, docker, system)


def _old(docker: Docker) -> Iterator[Finding]:
    """Refuse versions that lack what the stack uses."""
    engine, compose = version(docker.engine), version(docker.compose)
    if engine and engine < OLDEST_ENGINE:
        yield Finding(
            "engine-too-old",
            f"Docker Engine is {docker.engine}; the stack needs 20.10 or newer.",
            "Upgrade it the way it was installed; the deploy replaces no engine.",
        )
    if compose and not (OLDEST_COMPOSE <= compose < SKIPPED_COMPOSE or compose >= NEXT_COMPOSE):
        yield Finding(
            "compose-too-old",
            f"Docker Compose is {docker.compose}; the stack needs 2.24 or newer.",
            "Upgrade it the way it was installed.",
        )


def _kind(docker: Docker) -> Iterator[Finding]:
    """Refuse what calls itself docker and does not do what Docker does."""
    if docker.program.startswith("/snap/"):
        yield Finding(
            "engine-in-snap",
            "Docker runs as a snap, which sees no folder but its own.",
            "Remove it (snap remove docker); the deploy installs the usual package.",
        )
    elif docker.program and "podman" in ask("docker", "--version").text.lower():
        yield Finding(
            "engine-not-docker",
            "The program docker on this machine is Podman's.",
            "Remove the package podman-docker; the deploy installs Docker.",
        )


def _missing(wish: Wish, docker: Docker, system: dict[str, str]) -> Iterator[Finding]:
    if wish.engine == "present":
        yield from _not_present(docker)
    elif not (docker.engine and docker.compose):
        yield from _not_packaged(wish, docker, system)


def _not_present(docker: Docker) -> Iterator[Finding]:
    """Refuse what is missing where the deploy installs nothing."""
    if not docker.engine:
        why = f" ({docker.silence})" if docker.silence else ""
        yield Finding(
            "engine-missing",
            f"No Docker Engine answers on this machine{why}.",
            "Start it, or let the deploy see to it: docker_source: distribution",
        )
    elif not docker.compose:
        yield Finding("compose-missing", "Docker Compose is not installed.", BY_HAND)


def _not_packaged(wish: Wish, docker: Docker, system: dict[str, str]) -> Iterator[Finding]:
    """Refuse what is missing where the deploy cannot install it."""
    name, number = family(system)
    if name not in PACKAGED and docker.compose:
        yield Finding(
            "engine-silent",
            f"Docker is installed, but its engine does not answer: {docker.silence}.",
            "Start it (systemctl start docker), or let it answer this user.",
        )
    elif name not in PACKAGED:
        yield Finding(
            "engine-not-packaged",
            f"This machine runs {system.get('PRETTY_NAME', 'an unknown system')}; the deploy "
            "installs Docker on Debian and Ubuntu only.",
            BY_HAND,
        )
    elif wish.engine == "distribution" and not docker.compose and number < PACKAGED[name]:
        yield Finding(
            "compose-not-packaged",
            f"{system.get('PRETTY_NAME', name)} has no package of Docker Compose 2.",
            "Take both from Docker's own repository: put docker_source: docker into the "
            "inventory; or install the Compose plugin yourself.",
        )


def family(system: dict[str, str]) -> tuple[str, tuple[int, ...]]:
    """Return whose packages *system* takes, debian or ubuntu, and its version.

    Testing and unstable have no version: they count as newer than all.
    """
    names = [system.get("ID", ""), *system.get("ID_LIKE", "").split()]
    name = next((each for each in names if each in PACKAGED), "")
    if name and name != system.get("ID"):
        return name, PACKAGED[name]  # a derivative counts its releases in its own way
    return name, version(system.get("VERSION_ID", "")) or (9999,)


def published() -> list[Published]:
    """Return every port that a running container holds on this host."""
    told = "\t".join(
        ("{{.Names}}", f'{{{{.Label "{LABEL}"}}}}', '{{.Label "com.docker.compose.project"}}')
    )
    found = ask("docker", "ps", "--no-trunc", "--format", f"{told}\t{{{{.Ports}}}}").lines
    return [each for line in found for each in _published(*line.split("\t")[:4])]


def _published(name: str, root: str, project: str, ports: str) -> Iterator[Published]:
    """Yield the ports in text such as `127.0.0.1:80-81->80-81/tcp, [::]:53->53/udp, 9/tcp`."""
    for part in ports.split(", "):
        outer, arrow, inner = part.partition("->")
        if not arrow or not inner.endswith("/tcp"):
            continue
        address, _, numbers = outer.rpartition(":")
        first, _, last = numbers.partition("-")
        for port in range(int(first), int(last or first) + 1):
            yield Published(address.strip("[]"), port, name, root, project)


def images() -> set[str]:
    """Return the names of all images that are there, by tag and by digest."""
    told = "{{.Repository}}:{{.Tag}}\n{{.Repository}}@{{.Digest}}"
    found = ask("docker", "images", "--digests", "--format", told).lines
    return {name for name in found if not name.endswith("<none>")}


def store() -> Path:
    """Return where the engine keeps images."""
    told = ask("docker", "info", "--format", "{{.DockerRootDir}}").lines
    return Path(told[0]) if told and told[0].startswith("/") else STORE


def bridges(root: str) -> set[str]:
    """Return the interfaces of the networks of the installation at *root*."""
    argv = ("docker", "network", "ls", "--no-trunc", "--format", "{{.ID}}")
    found = ask(*argv, "--filter", f"label={LABEL}={root}").lines
    return {f"br-{each[:12]}" for each in found}
