# SPDX-License-Identifier: Apache-2.0
"""What Docker lets in: ports of containers need no socket on the host to be open."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from beast_ops.compose.definition import LABEL
from beast_ops.runner import LocalRunner, Runner

SECONDS = 30


@dataclass(frozen=True, slots=True)
class Container:
    """A running container, whoever it belongs to.

    Attributes:
        id: Its whole identifier.
        name: Its name.
        root: The installation it belongs to, if it is one of ours.
        project: The Compose project it belongs to, if any.
        ports: Protocol, address and port of all it publishes.
    """

    id: str
    name: str
    root: str
    project: str
    ports: tuple[tuple[str, str, int], ...]


def containers(runner: Runner | None = None) -> list[Container]:
    """Return every running container of this host.

    Raises:
        CommandError: If Docker does not answer.
    """
    runner = runner or LocalRunner()
    argv = ["docker", "ps", "--no-trunc", "--format", "{{json .}}"]
    return [_container(json.loads(line)) for line in runner.run(argv, seconds=SECONDS).splitlines()]


def _container(told: Mapping[str, Any]) -> Container:
    labels = dict(part.partition("=")[::2] for part in str(told.get("Labels", "")).split(","))
    return Container(
        id=str(told["ID"]),
        name=str(told["Names"]),
        root=labels.get(f"{LABEL}.root", ""),
        project=labels.get("com.docker.compose.project", ""),
        ports=tuple(_ports(str(told.get("Ports", "")))),
    )


def _ports(told: str) -> Iterator[tuple[str, str, int]]:
    """Yield the ports in text such as `127.0.0.1:80-81->80-81/tcp, [::]:53->53/udp, 9/tcp`."""
    for part in told.split(", "):
        outer, arrow, inner = part.partition("->")
        if not arrow:
            continue  # exposed, not published
        address, _, numbers = outer.rpartition(":")
        first, _, last = numbers.partition("-")
        for port in range(int(first), int(last or first) + 1):
            yield inner.rpartition("/")[2], address.strip("[]"), port
