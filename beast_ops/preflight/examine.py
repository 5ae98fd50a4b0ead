# SPDX-License-Identifier: Apache-2.0
"""All checks, in the order in which they are told."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import docker, known, limits, machine, network, place, ports
from .finding import COMPOSE, Finding, Wish

MEMORY = Path("/proc/meminfo")


def examine(wish: Wish) -> Iterator[Finding]:
    """Yield what stands in the way of *wish* on this host."""
    least = tuple(int(part) for part in wish.python.split("."))
    yield from place.check_python(least, sys.version_info[:2])
    root = Path(wish.root)
    nearest = place.nearest(root)
    yield from place.check_root(root, nearest)
    yield from place.check_disk(nearest, wish.disk_mib)
    yield from place.check_memory(MEMORY, wish.memory_mib)
    yield from limits.check_models(wish, MEMORY)
    if wish.runtime == COMPOSE:
        yield from examine_containers(wish)
    else:
        yield from ports.check_ports(wish, [])


def examine_containers(wish: Wish) -> Iterator[Finding]:
    """Yield what stands in the way of containers."""
    now = machine.clock()  # before anything that may take its time
    found = docker.look()
    yield from machine.check_processor()
    yield from docker.check_docker(wish, found, system(Path("/etc/os-release")))
    yield from known.check_known(wish.images, found)
    there = bool(found.engine)
    yield from ports.check_ports(wish, docker.published() if there else [])
    yield from network.check_subnet(wish.subnet, docker.bridges(wish.root) if there else set())
    yield from limits.check_limits(wish, MEMORY)
    store = docker.store() if there else docker.STORE
    yield from limits.check_store(wish, store, docker.images() if there else set())
    yield from network.check_names(wish.names, wish.acme)
    yield from machine.check_clock(wish.now, now, kept=machine.is_kept())
    yield from machine.check_gpu(wish.gpu)


def system(source: Path) -> dict[str, str]:
    """Return what *source*, which is /etc/os-release, says."""
    try:
        lines = source.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {name: value.strip("\"'") for name, value in pairs}


def answer(wish: Wish) -> dict[str, Any]:
    """Return the findings as plain data."""
    found = [finding._asdict() for finding in examine(wish)]
    blockers = [finding for finding in found if finding["blocks"]]
    told = (f"{finding['message']} {finding['hint']}".strip() for finding in blockers)
    return {
        "blockers": blockers,
        "warnings": [finding for finding in found if not finding["blocks"]],
        "refusal": " ".join(told),
    }


def main(words: list[str]) -> None:
    """Print the findings for the wish in the first word."""
    wish: dict[str, Any] = json.loads(words[0])
    sys.stdout.write(f"{json.dumps(answer(Wish(**wish)))}\n")
