# SPDX-License-Identifier: Apache-2.0
"""Whether containers that were given a GPU can still use it.

Where systemd keeps the groups of containers, a reload of its units takes their devices away; the
host sees nothing of it (NVIDIA's notice of February 2023, "Containers losing access to GPUs";
Ollama's troubleshooting page). Inside, NVIDIA's tool says "Failed to initialize NVML: Unknown
Error" then, and no device can be opened.
"""

from collections.abc import Iterator
from pathlib import Path

from beast_ops.cards import Services, read_services
from beast_ops.compose.gpu import AMD_DEVICES
from beast_ops.compose.project import HOST_FILE, Project, project
from beast_ops.errors import BeastError, CommandError
from beast_ops.place import Place

from .model import Trouble, Vendor

SECONDS = 8.0
NVIDIA = ("nvidia-smi", "--list-gpus")
AMD = ("sh", "-c", f"exec 3<>{AMD_DEVICES[0]}")
# What they say if it is the GPU that fails, and not the container.
SIGNS: dict[Vendor, str] = {"nvidia": "NVML", "amd": AMD_DEVICES[0]}


def cut_off(place: Place) -> Iterator[Trouble]:
    """Yield each container of the installation at *place* that has lost its GPU."""
    try:
        services = read_services(place.services)
        if services.runtime != "compose":
            return
        chosen = project(place)
    except BeastError:
        return  # nothing runs there
    for name, vendor in given(services, place.current / HOST_FILE):
        said = _said(chosen, name, vendor)
        if SIGNS[vendor] in said:
            yield Trouble(kind="cut-off", subject=name, message=f"its container says: {said}")


def given(services: Services, path: Path) -> Iterator[tuple[str, Vendor]]:
    """Yield the services that were given a GPU when they were made, and whose.

    Args:
        services: What runs.
        path: What was written on this host for Compose.
    """
    import yaml

    try:
        described = dict(yaml.safe_load(path.read_bytes())["services"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return
    for service in services:
        more = described.get(service.name) or {}
        if service.gpu and ("deploy" in more or "devices" in more):
            yield service.name, "nvidia" if "deploy" in more else "amd"


def _said(chosen: Project, name: str, vendor: Vendor) -> str:
    """Return the last line of what a container says against its GPU; nothing if it uses it."""
    words = NVIDIA if vendor == "nvidia" else AMD
    argv = chosen.argv("exec", "-T", name, *words)
    try:
        chosen.runner.run(argv, seconds=SECONDS)
    except CommandError as failed:
        return " ".join(str(failed).split())[-300:]
    return ""
