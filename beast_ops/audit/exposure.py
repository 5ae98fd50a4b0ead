# SPDX-License-Identifier: Apache-2.0
"""Compare what is open with what is declared to be."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from beast_ops.cards import Services
from beast_ops.errors import CommandError
from beast_ops.place import Place

from . import published, sockets
from .finding import Declared, Finding, Open, Weight
from .published import Container
from .sockets import Listener, Process

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what is looked for, not bound
CONTAINER = re.compile(r"(?:docker[-/])([0-9a-f]{64})")
NEAREST = "Take the port back, or declare it as `publish` on the card of its service."


@dataclass(frozen=True, slots=True)
class Host:
    """What one look at this host showed.

    Attributes:
        listeners: Sockets that wait for others.
        owners: Who holds them, by inode.
        containers: All running containers; nothing if Docker does not answer.
    """

    listeners: tuple[Listener, ...]
    owners: dict[str, Process]
    containers: tuple[Container, ...] | None


def look() -> Host:
    """Look at this host."""
    try:
        containers = tuple(published.containers())
    except CommandError:
        containers = None
    return Host(tuple(sockets.listeners()), sockets.owners(), containers)


def undeclared(place: Place, services: Services, host: Host | None = None) -> list[Finding]:
    """Return the ports of *services* that are open beyond loopback without being declared.

    Args:
        place: The installation, whose processes and containers are ours.
        services: What is in force.
        host: What is open; this host is looked at if left out.
    """
    told = declared(services)
    return [
        Finding(
            "port-undeclared",
            Weight.FAILURE,
            f"{each.where} is open to other hosts and not declared, by {each.owner}",
            NEAREST,
        )
        for each in opened(place, services, host or look())
        if each.ours and beyond_loopback(each.address) and not covers(told, each)
    ]


def declared(services: Services) -> tuple[Declared, ...]:
    """Return the ports that *services* say are reachable from other hosts."""
    return tuple(
        Declared(each.address, each.port, service.name)
        for service in services
        for each in service.publish
    )


def opened(place: Place, services: Services, host: Host) -> tuple[Open, ...]:
    """Return every port that is open on *host*, each once, and whether it is one of *services*."""
    found: dict[tuple[str, str, int], Open] = {}
    for each in (*_published(place, services, host), *_listening(place, services, host)):
        found.setdefault((each.protocol, each.address, each.port), each)
    return tuple(sorted(found.values(), key=lambda each: (each.port, each.protocol, each.address)))


def beyond_loopback(address: str) -> bool:
    """Return whether other hosts could reach *address*."""
    return not ipaddress.ip_address(address.partition("%")[0]).is_loopback


def covers(told: Iterable[Declared], found: Open) -> bool:
    """Return whether *found* is declared, at its address or at all of them."""
    return any(
        each.port == found.port
        and found.protocol == "tcp"
        and (each.address in EVERYWHERE or each.address == found.address)
        for each in told
    )


def notes(place: Place, services: Services, host: Host) -> Iterator[Finding]:
    """Yield what else is worth knowing of *host*: what others opened, what of ours is not open."""
    found = opened(place, services, host)
    for each in found:
        if not each.ours and beyond_loopback(each.address):
            said = f"{each.where} is open to other hosts, by {each.owner}, which is none of ours"
            yield Finding("listener-foreign", Weight.NOTE, said)
    for port in declared(services):
        if not any(each.port == port.port and covers([port], each) for each in found):
            said = f"port {port.port} of {port.service} is declared and nobody listens there"
            yield Finding("port-closed", Weight.WARNING, said, "Run: ./beast health")
    if host.containers is None and services.runtime == "compose":
        said = "Docker does not answer, so ports of containers could not be told apart"
        yield Finding("docker-silent", Weight.WARNING, said, "Run the audit as root.")


def _published(place: Place, services: Services, host: Host) -> Iterator[Open]:
    for container in host.containers or ():
        ours = _is_ours(container, place, services)
        for protocol, address, port in container.ports:
            yield Open(protocol, address, port, f"the container {container.name}", ours)


def _listening(place: Place, services: Services, host: Host) -> Iterator[Open]:
    within = {
        each.id: (each.name, _is_ours(each, place, services)) for each in host.containers or ()
    }
    for each in host.listeners:
        owner, ours = _owner(host.owners.get(each.inode), place, within)
        yield Open(each.protocol, each.address, each.port, owner, ours)


def _owner(
    process: Process | None, place: Place, within: Mapping[str, tuple[str, bool]]
) -> tuple[str, bool]:
    """Return who *process* is in words, and whether it is ours; *within* are all containers."""
    if process is None:
        return "somebody unseen", False
    container = CONTAINER.search(process.group)
    if container and container[1] in within:
        name, ours = within[container[1]]
        return f"the container {name}", ours
    programs = (Path(word) for word in process.words[:2] if word)
    ours = any(program.is_relative_to(place.root) for program in programs)
    return f"{process.name} (process {process.pid})", ours


def _is_ours(container: Container, place: Place, services: Services) -> bool:
    """Return whether *container* is one of ours, or was added to our project by hand."""
    added = services.runtime == "compose" and container.project == services.project
    return added or container.root == str(place.root)
