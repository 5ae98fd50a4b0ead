# SPDX-License-Identifier: Apache-2.0
"""What the release in force says of the models' surroundings."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from beast_ops.card_parts import Resources
from beast_ops.cards import Service, Services, read_services
from beast_ops.place import Place

from .facts import F16, MIB, Load
from .plan import Part

UNLIMITED_MIB = Resources().memory_mib  # what a card says that says nothing
# Where Ollama keeps models: as its manual and its unit for systemd have it.
STORES = ("~/.ollama/models", "/usr/share/ollama/.ollama/models")
GIB = 1024 * MIB
# How much context a model gets by itself, from how much memory of GPUs on (Ollama's FAQ).
CONTEXTS = ((47 * GIB, 262144), (23 * GIB, 32768), (0, 4096))

Containers = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What surrounds the models.

    Attributes:
        others: What else takes memory.
        url: Where the model server is, if there is one.
        local: Whether it is on this host.
        limit: The most bytes of memory it may take, if there is a limit.
        stores: Where it may keep models.
        wanted: The models that are to be there.
        settings: The environment of its container, if it is in one.
        reranker: The model that orders passages anew, if the model server runs one.
    """

    others: tuple[Part, ...] = ()
    url: str | None = None
    local: bool = True
    limit: int | None = None
    stores: tuple[Path, ...] = ()
    wanted: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    reranker: str = ""


def standing(place: Place) -> Standing:
    """Return what the release in force at *place* says; without one, nothing is in the way.

    Raises:
        CardError: If the list of its services makes no sense.
    """
    if not place.services.is_file():
        return Standing(stores=_own())
    services = read_services(place.services)
    containers = _containers(place.current / "compose.yml")
    found = next((each for each in services if each.health.deep == "models"), None)
    others = tuple(_others(services, containers))
    if found is None:
        return Standing(others, stores=_own())
    said = containers.get(found.name, {})
    return Standing(
        others,
        found.address,
        is_local(found),
        _limit(said),
        (place.data,) if found.contained else _own(),
        found.models,
        said.get("environment") or {},
        _reranker(place, services),
    )


def load(settings: Mapping[str, Any], vram: int | None) -> Load:
    """Return how a model server with the environment *settings* uses its models.

    Args:
        settings: What stands there of `OLLAMA_…`; the server decides about the rest.
        vram: Bytes of memory of GPUs, if that is known.
    """
    usual = next(tokens for least, tokens in CONTEXTS if (vram or 0) >= least)
    return Load(
        _number(settings, "OLLAMA_CONTEXT_LENGTH") or usual,
        _number(settings, "OLLAMA_NUM_PARALLEL") or 1,
        str(settings.get("OLLAMA_KV_CACHE_TYPE") or F16),
        str(settings.get("OLLAMA_SCHED_SPREAD") or "0").casefold() not in {"0", "f", "false"},
    )


def is_local(service: Service) -> bool:
    """Return whether *service* runs on this host."""
    if not service.external:
        return True
    name = urlsplit(service.address or "").hostname or ""
    with suppress(ValueError):
        return ip_address(name).is_loopback
    return name == "localhost"


def _reranker(place: Place, services: Services) -> str:
    """Return which model of the model server orders passages anew; empty if none does."""
    import json

    for each in services:
        if each.health.deep == "api" and each.config:
            with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
                said = json.loads((place.config / each.config / "settings.json").read_bytes())
                if said["rerank"]["by"] == "ollama":
                    return str(said["rerank"]["model"])
    return ""


def _others(services: Services, containers: Containers) -> Iterator[Part]:
    for service in services:
        if service.external or service.health.deep == "models":
            continue
        vectors = service.health.deep == "vectors"
        size = _limit(containers.get(service.name, {}))
        if size is None:
            size = UNLIMITED_MIB * MIB
            if vectors:  # it reads its files through memory
                kept = (Path(services.data) / volume for volume in service.volumes)
                size = max(size, sum(map(_size, kept)))
        yield Part(f"{service.name} (vector store)" if vectors else service.name, size)


def _size(folder: Path) -> int:
    """Return the bytes that lie below *folder*; what goes meanwhile does not count."""
    total = 0
    with suppress(OSError):
        for path in folder.rglob("*"):
            with suppress(OSError):
                total += path.lstat().st_size
    return total


def _containers(source: Path) -> Containers:
    """Return how the containers are defined in *source*; nothing where there are none."""
    import yaml

    try:
        found = yaml.safe_load(source.read_text(encoding="utf-8"))["services"]
        return {name: dict(said) for name, said in found.items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        return {}


def _limit(said: Mapping[str, Any]) -> int | None:
    """Return the bytes of memory that a container defined as *said* may take."""
    try:
        return int(str(said["mem_limit"]).removesuffix("m")) * MIB
    except (KeyError, ValueError):
        return None


def _own() -> tuple[Path, ...]:
    """Return where an Ollama of this host keeps models; nothing if that does not show."""
    found = []
    for store in STORES:
        with suppress(OSError, RuntimeError):
            path = Path(store).expanduser()
            if path.is_dir():
                found.append(path)
    return tuple(found)


def _number(settings: Mapping[str, Any], name: str) -> int:
    try:
        return int(settings.get(name, 0))
    except ValueError:
        return 0
