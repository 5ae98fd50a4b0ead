# SPDX-License-Identifier: Apache-2.0
"""Turn cards into a release: every file it consists of, and a hash over all of them.

Pure: the same cards, place and versions give the same release, byte for byte.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from beast_ops.cards import Card, Service, Services
from beast_ops.errors import CardError
from beast_ops.keys import Handover

from .join import Joined, address, join, refuse_clashes, runs_here

HASH_CHARACTERS = 12  # 48 bits: a collision among the releases of one host is out of reach


@dataclass(frozen=True, slots=True)
class Site:
    """What the cards are rendered for.

    Attributes:
        project: Name of the installation.
        runtime: `embedded`.
        root: Absolute path of the installation on its host.
        generation: Name of the data generation in force.
        venv: Hash of the stack's own environment.
        versions: Version of each rotated secret, by `owner/name`.
    """

    project: str
    runtime: str
    root: str
    generation: str
    venv: str
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Release:
    """All files of a release, and what the host must do besides.

    Attributes:
        services: The contract with the library.
        config: Files below `<root>/config`, by relative path.
        handovers: The secrets its services may read.
        volumes: Folders of the data generation.
    """

    site: Site
    services: Services
    config: Mapping[str, str]
    handovers: tuple[Handover, ...]
    volumes: tuple[str, ...]


def build(cards: Sequence[Card], site: Site) -> Release:
    """Return the release that *cards* make at *site*.

    Raises:
        CardError: If the cards do not fit together.
    """
    present = [card for card in cards if runs_here(card)]
    if not any(card.process for card in present):
        raise CardError(
            "nothing to run: no enabled service has a process",
            subject="beast_services",
            hint="Name at least one service in the inventory's beast_services.",
        )
    joined = join(present, f"{site.root}/secrets")
    config: dict[str, str] = {}
    services = []
    for card in present:
        folder, files = _config(card)
        config.update(files)
        services.append(_service(card, joined[card.name], folder, site))
    return Release(
        site=site,
        services=Services(
            project=site.project,
            runtime="embedded",
            root=site.root,
            data=f"{site.root}/data/{site.generation}",
            services=tuple(services),
        ),
        config=config,
        handovers=tuple(item for given in joined.values() for item in given.handovers),
        volumes=tuple(sorted({volume for card in present for volume in card.volumes})),
    )


def digest(value: Any) -> str:
    """Return the first characters of SHA-256 over *value* as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_CHARACTERS]


def _config(card: Card) -> tuple[str | None, dict[str, str]]:
    """Return the folder of *card*'s configuration, named by its content, and its files."""
    files = {name: _text(name, content) for name, content in card.config.items()}
    if not files:
        return None, {}
    folder = f"{card.name}/{digest(files)}"
    return folder, {f"{folder}/{name}": text for name, text in files.items()}


def _text(name: str, content: Any) -> str:
    if isinstance(content, str):
        return content
    if PurePosixPath(name).suffix in {".yml", ".yaml"}:
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n"


def _service(card: Card, given: Joined, folder: str | None, site: Site) -> Service:
    environment = _environment(card, given, folder, site) if card.process else {}
    secrets = {
        f"{item.owner}/{item.name}": site.versions.get(f"{item.owner}/{item.name}", 1)
        for item in given.handovers
    }
    change = [card.process, environment, secrets, site.venv]
    return Service(
        name=card.name,
        role=card.role,
        address=address(card),
        external=card.external is not None,
        optional=card.optional,
        process=card.process if card.external is None else None,
        environment=environment,
        volumes=card.volumes,
        state=card.state,
        secrets=card.secrets,
        health=card.health,
        metrics=card.metrics,
        change=digest(change),
    )


def _environment(card: Card, given: Joined, folder: str | None, site: Site) -> dict[str, str]:
    own = {
        "BEAST_ROOT": site.root,
        "BEAST_SERVICES": f"{site.root}/current/services.json",
        "BEAST_DATA": f"{site.root}/data/{site.generation}",
        "BEAST_SECRETS": f"{site.root}/secrets/{card.name}",
    }
    if folder is not None:
        own["BEAST_CONFIG"] = f"{site.root}/config/{folder}"
    refuse_clashes(card, own.keys() & {*given.environment, *card.environment})
    return {**own, **given.environment, **card.environment}
