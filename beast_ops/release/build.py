# SPDX-License-Identifier: Apache-2.0
"""Turn cards into a release: every file it consists of, and a hash over all of them.

Pure: the same cards, place and versions give the same release, byte for byte.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import yaml

from beast_ops.card_parts import Identifier
from beast_ops.cards import Card, Service, Services
from beast_ops.compose.definition import Ground, definition, image
from beast_ops.errors import CardError
from beast_ops.keys import Handover
from beast_ops.secret_files import FilledFile, without

from .gather import Shaped, Verbatim, shaped, verbatim
from .join import (
    Joined,
    Runtime,
    address,
    is_contained,
    join,
    refuse_clashes,
    runs_here,
)
from .networks import placed, seen_inside

HASH_CHARACTERS = 12  # 48 bits: a collision among the releases of one host is out of reach


@dataclass(frozen=True, slots=True)
class Site:
    """What the cards are rendered for.

    Attributes:
        project: Name of the installation.
        runtime: `embedded` or `compose`.
        root: Absolute path of the installation on its host.
        generation: Name of the data generation in force.
        venv: Hash of the stack's own environment.
        versions: Version of each rotated secret, by `owner/name`.
        domain: The domain of the front door, if there is one.
    """

    project: str
    runtime: Runtime
    root: str
    generation: str
    venv: str
    versions: Mapping[str, int]
    domain: str | None = None

    @property
    def ground(self) -> Ground:
        """What the definition of a container must know of it."""
        return Ground(self.root, f"{self.root}/data/{self.generation}", self.venv)


@dataclass(frozen=True, slots=True)
class Release:
    """All files of a release, and what the host must do besides.

    Attributes:
        site: What it was made for.
        services: The contract with the library.
        config: Files below `<root>/config`, by relative path.
        handovers: The secrets its services may read.
        volumes: Folders of the data generation, and who owns them as `uid:gid`, if it is said.
        filled: The files of secrets that are filled in on the host.
        given: Secrets, as `owner/name`, that somebody puts on the host.
        owners: Who owns the secrets of a service, as `uid:gid`, if it is said.
        definitions: What the Compose file says of each container.
        acme: How a public authority is convinced that the domain is ours, if one is asked.
        verbatim: Live files that are taken as they are.
        shaped: Live files that are made of templates.
    """

    site: Site
    services: Services
    config: Mapping[str, str]
    handovers: tuple[Handover, ...]
    volumes: Mapping[Identifier, str]
    filled: tuple[FilledFile, ...] = ()
    given: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    acme: str = ""
    verbatim: tuple[Verbatim, ...] = ()
    shaped: tuple[Shaped, ...] = ()


def build(cards: Sequence[Card], site: Site) -> Release:
    """Return the release that *cards* make at *site*.

    Raises:
        CardError: If the cards do not fit together.
    """
    present = placed([card for card in cards if runs_here(card, site.runtime)], site.runtime)
    _refuse_nothing(present, site)
    joined = join(present, f"{site.root}/secrets", site.runtime)
    parts = [_Part(card, joined[card.name], site, seen_inside(card, present)) for card in present]
    contained = [part for part in parts if part.contained]
    owners = {part.card.name: part.card.user or "0:0" for part in contained}
    return Release(
        site=site,
        services=_services(parts, site),
        config={path: text for part in parts for path, text in part.files().items()},
        handovers=tuple(item for given in joined.values() for item in given.all_handovers),
        volumes={
            volume: owners.get(card.name, "") for card in present for volume in sorted(card.volumes)
        },
        filled=tuple(item for part in contained for item in part.filled()),
        given=tuple(name for card in present for name in card.given),
        owners=owners,
        definitions={part.card.name: part.labelled() for part in contained},
        acme=next((part.card.acme for part in contained if part.card.acme), ""),
        verbatim=tuple(verbatim(present, site.runtime)),
        shaped=tuple(
            shaped(
                present,
                site.runtime,
                {"project": site.project, "domain": site.domain or "localhost"},
            )
        ),
    )


def _refuse_nothing(cards: Sequence[Card], site: Site) -> None:
    if all(card.external is not None for card in cards):
        raise CardError(
            f"nothing to run: no enabled service exists in the {site.runtime} runtime",
            subject="beast_services",
            hint="Name at least one service in the inventory's beast_services.",
        )


def _services(parts: Iterable["_Part"], site: Site) -> Services:
    return Services(
        project=site.project,
        runtime=site.runtime,
        root=site.root,
        data=site.ground.data,
        domain=site.domain,
        services=tuple(part.service() for part in parts),
    )


def digest(value: Any) -> str:
    """Return the first characters of SHA-256 over *value* as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_CHARACTERS]


@dataclass(frozen=True, slots=True)
class _Part:
    """One card of a release."""

    card: Card
    given: Joined
    site: Site
    inside: str | None

    @property
    def contained(self) -> bool:
        return is_contained(self.card, self.site.runtime)

    def folder(self) -> str | None:
        """Return the folder of the card's configuration, named by its content."""
        texts = self._texts()
        return f"{self.card.name}/{digest(texts)}" if texts else None

    def files(self) -> dict[str, str]:
        """Return the card's configuration, by path below `<root>/config`."""
        folder = self.folder()
        return {f"{folder}/{name}": text for name, text in self._texts().items()}

    def filled(self) -> list[FilledFile]:
        """Return the card's files of secrets, to be filled in on the host."""
        optional = {f"{name}_key" for name, want in self.card.wants.items() if want.optional}
        spare = optional - {item.file for item in self.given.handovers}
        name, files = self.card.name, self.card.secret_files.items()
        return [FilledFile(name, file, without(text, spare)) for file, text in files]

    def labelled(self) -> dict[str, Any]:
        """Return what the Compose file says of the service, so marked that we know it again."""
        labels = {
            "org.ai-beast.root": self.site.root,
            "org.ai-beast.service": self.card.name,
            "org.ai-beast.change": self.change(),
        }
        return {**self._definition(), "labels": labels}

    def change(self) -> str:
        """Return the hash over all that restarts the service when it differs."""
        secrets = {
            f"{item.owner}/{item.name}": self.site.versions.get(f"{item.owner}/{item.name}", 1)
            for item in self.given.handovers
            if not self._takes_by_itself(item)
        } | self._rotated()
        # Whatever its data: a restore makes the very release that a deploy would make then.
        return replace(self, site=replace(self.site, generation="")).fingerprint(secrets)

    def fingerprint(self, secrets: Mapping[str, int]) -> str:
        """Return the hash over what it runs, and the versions of its *secrets*."""
        if self.contained:
            return digest([self._definition(), secrets, dict(self.card.secret_files)])
        return digest([self.card.process, self._environment(), secrets, self.site.venv])

    def _rotated(self) -> dict[str, int]:
        """Return the versions of the keys it gathers, of those that were ever rotated.

        Who measures keeps the key it read first (Prometheus 3.5, tried). A key in its first
        version is left out: one more service restarts nobody.
        """
        names = [f"{item.owner}/{item.name}" for item in self.given.gathered]
        known = self.site.versions
        return {name: known[name] for name in names if known.get(name, 1) > 1}

    def _takes_by_itself(self, item: Handover) -> bool:
        """Return whether a new version is told to the running service, which keeps it."""
        own = self.card.secrets.get(item.name) if item.owner == self.card.name else None
        return own is not None and own.rotate == "api"

    def service(self) -> Service:
        card, contained, process = self.card, self.contained, self._process()
        return Service(
            name=card.name,
            role=card.role,
            address=address(card),
            external=card.external is not None,
            optional=card.optional,
            process=process,
            environment=self._environment() if process else {},
            volumes=tuple(card.volumes),
            state=card.state,
            secrets=card.secrets,
            health=card.health,
            metrics=card.metrics,
            change=self.change(),
            place=card.place,
            image=image(card, self.site.ground) if contained else None,
            ours=card.ours and contained,
            inside=self.inside if self.site.runtime == "compose" else None,
            user=card.user,
            config=self.folder(),
            models=card.models,
            route=card.route,
            publish=card.publish if contained else (),
            certificate=card.certificate if contained else None,
            ports=_loopback(card),
            gpu=card.gpu and contained,
            reload=card.reload if contained else None,
            check=card.check if contained else None,
        )

    def _process(self) -> tuple[str, ...] | None:
        hidden = self.contained or self.card.external is not None
        return None if hidden else self.card.process

    def _texts(self) -> dict[str, str]:
        return {name: _text(name, content) for name, content in self.card.config.items()}

    def _definition(self) -> dict[str, Any]:
        return definition(self.card, self.given, self.folder(), self.site.ground)

    def _environment(self) -> dict[str, str]:
        if self.card.external is not None or self.card.process is None:
            return {}
        site, folder = self.site, self.folder()
        own = {
            "BEAST_ROOT": site.root,
            "BEAST_SERVICES": f"{site.root}/current/services.json",
            "BEAST_SECRETS": f"{site.root}/secrets/{self.card.name}",
        }
        if self.card.place != "host" or self.card.volumes:
            own["BEAST_DATA"] = site.ground.data  # others are not started anew by a restore
        if folder is not None:
            own["BEAST_CONFIG"] = f"{site.root}/config/{folder}"
        refuse_clashes(self.card, own.keys() & {*self.given.environment, *self.card.environment})
        return {**own, **self.given.environment, **self.card.environment}


def _loopback(card: Card) -> tuple[int, ...]:
    return (card.port,) if card.port is not None and card.external is None else ()


def _text(name: str, content: Any) -> str:
    if isinstance(content, str):
        return content
    if PurePosixPath(name).suffix in {".yml", ".yaml"}:
        plain = json.loads(json.dumps(content))  # of whatever kind of mapping Ansible hands over
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n"
