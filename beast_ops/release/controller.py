# SPDX-License-Identifier: Apache-2.0
"""The controller's side of a deploy: everything the action plugin does that is not Ansible's.

Kept apart from the plugin so that it can be read, typed and tested without Ansible.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beast_ops import __version__
from beast_ops.card_parts import DNS_LABEL
from beast_ops.cards import Card, read_card
from beast_ops.compose.values import values as compose_values
from beast_ops.errors import CommandError, SettingsError
from beast_ops.place import Place
from beast_ops.runtime.values import values
from beast_ops.settings import explain
from beast_ops.upgrade.breaking import settle

from . import build as building
from .build import Release, digest
from .images import Wish, compared, pinned, refuse_others
from .judge import judge_settings
from .observe import Observed
from .package import environment_hash
from .wish import wish

__all__ = ["environment_hash"]

RUNTIMES = ("embedded", "compose")
NOTHING = Wish()
DOMAIN = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"


@dataclass(frozen=True, slots=True)
class Site:
    """What an inventory says of an installation.

    Attributes:
        project: Its name.
        runtime: What runs its services.
        root: Where it lies on its host.
        boot: Whether it starts with the machine.
        domain: The domain of the front door, if there is one.
    """

    project: str
    runtime: str
    root: str
    boot: bool = False
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A template and the variables it takes; `role` is whose it is, or nobody's in particular."""

    role: str | None
    template: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A release whose templates are still to be rendered.

    Attributes:
        release: The release.
        boot: Whether it starts with the machine.
        shapes: What is rendered, by path in the release's folder.
        copies: What is taken as it is: role and file by path in the release's folder.
        cards: What it is made of.
    """

    release: Release
    boot: bool
    shapes: Mapping[str, Shape]
    copies: Mapping[str, tuple[str, str]]
    cards: Sequence[Card] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole release and how it differs from what the host runs."""

    release: Release
    boot: bool
    files: Mapping[str, str]
    seen: Observed
    images: Mapping[str, Any] = field(default_factory=dict)
    step: str = ""
    acknowledged: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """The hash over everything that is shipped."""
        return digest(self._parts())

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return not self.seen.settled or self.seen.content != self.content

    def _parts(self) -> dict[str, Any]:
        release = self.release
        return {
            "venv": release.site.venv,
            "generation": release.site.generation,
            "boot": self.boot,
            "files": dict(self.files),
            "config": dict(release.config),
            "volumes": dict(release.volumes),
            "handovers": [
                [item.reader, item.file, item.owner, item.name] for item in release.handovers
            ],
            "filled": [[item.reader, item.file, item.text] for item in release.filled],
            "owners": dict(release.owners),
            "given": list(release.given),
            "versions": dict(release.site.versions),
        }

    def _shipment(self) -> dict[str, Any]:
        known = {"made": __version__, "acknowledged": list(self.acknowledged)}
        return {**self._parts(), **known, "content": self.content, "upgrade": self.step}

    def diff(self) -> list[dict[str, str]]:
        """Return what changes in each file, in the shape Ansible prints."""
        after = dict(self.files)
        for path, text in self.release.config.items():
            service, _, name = path.split("/")
            after[f"{service}/{name}"] = text
        before = self.seen.files
        return [
            {
                "before_header": name,
                "after_header": name,
                "before": before.get(name, ""),
                "after": after.get(name, ""),
            }
            for name in sorted({*before, *after})
            if before.get(name, "") != after.get(name, "")
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return what later tasks and the callback plugin need, as plain data."""
        release = self.release
        return {
            "release": self.seen.release,
            "changes": self.changes,
            "venv": release.site.venv,
            "runtime": release.site.runtime,
            "root": release.site.root,
            "shipment": self._shipment(),
            "images": dict(self.images),
            "ports": {each.name: each.ports[0] for each in release.services if each.ports},
            "roles": {each.name: each.role for each in release.services},
            "wish": wish(release),
        }


def draft(
    cards: Sequence[object],
    site: Site,
    venv: str,
    seen: Mapping[str, Any],
    wish: Wish = NOTHING,
) -> Draft:
    """Return the release that *cards* make, before its templates are rendered.

    Args:
        cards: What the roles contributed.
        site: What the inventory says of the installation.
        venv: Hash of the stack's environment.
        seen: What stands on the host.
        wish: What an upgrade wants.

    Raises:
        CardError: If a card is wrong or the cards do not fit together.
        SettingsError: If the runtime is not one this version has, or a service would refuse
            its settings.
    """
    site = _judged(site)
    observed = _observed(seen)
    judged = pinned([judge_settings(read_card(card)) for card in cards], observed, wish)
    release = building.build(
        judged,
        building.Site(
            project=site.project,
            runtime="compose" if site.runtime == "compose" else "embedded",
            root=site.root,
            generation=observed.generation,
            venv=venv,
            versions=observed.versions,
            domain=site.domain,
        ),
    )
    shapes = {
        f"live/{item.service}/{item.path}": Shape(item.role, item.template, item.variables)
        for item in release.shaped
    }
    copies = {
        f"live/{item.service}/{item.path}": (item.role, item.file) for item in release.verbatim
    }
    return Draft(release, site.boot, {**_runtime_shapes(release), **shapes}, copies, judged)


def _runtime_shapes(release: Release) -> dict[str, Shape]:
    """Return the one file that the runtime reads."""
    if release.site.runtime == "compose":
        site = release.site
        variables = compose_values(site.project, site.root, release.definitions)
        return {"compose.yml": Shape(None, "compose.yml.j2", variables)}
    place = Place(Path(release.site.root))
    python = place.venv / release.site.venv / "bin" / "python"
    variables = values(place, release.services, python)
    return {"supervisord.conf": Shape(None, "embedded/supervisord.conf.j2", variables)}


def plan(
    draft: Draft, files: Mapping[str, str], seen: Mapping[str, Any], wish: Wish = NOTHING
) -> Plan:
    """Return the plan made of *draft* and its rendered *files*; *wish* is what an upgrade wants.

    Raises:
        UsageError: If it would run another image on data that is there, or if this version
            changed something that nobody acknowledged.
    """
    release, observed = draft.release, _observed(seen)
    known = settle(observed.release, observed.made, wish.acknowledged)
    refuse_others(release, observed, wish)
    contract = f"{json.dumps(release.services.model_dump(mode='json'), indent=2)}\n"
    inner = {f"live/{each.name}/services.json": contract for each in release.services if each.ours}
    texts = {**files, **inner, "services.json": contract}
    images = compared(draft.cards, release, observed)
    return Plan(release, draft.boot, texts, observed, images, wish.step, known)


def _judged(site: Site) -> Site:
    """Return *site* with its root in one spelling, if it makes sense."""
    if site.runtime not in RUNTIMES:
        raise SettingsError(
            f"{site.runtime!r} is no runtime of this version",
            subject="beast_runtime",
            hint=f"Set it to one of: {', '.join(RUNTIMES)}",
        )
    if not re.fullmatch(DNS_LABEL, site.project):
        raise SettingsError(
            "not a name for an installation",
            subject="beast_project",
            hint="Take lower-case letters, digits and single hyphens, such as: beast",
        )
    if site.domain is not None and not re.fullmatch(DOMAIN, site.domain):
        raise SettingsError(
            "not a domain",
            subject="beast_domain",
            hint="Take the name under which browsers shall find the stack, such as: ai.example.org",
        )
    if not os.path.isabs(site.root):  # noqa: PTH117 - a path on the host, not here
        raise SettingsError(
            "the root of an installation is an absolute path", subject=f"beast_root: {site.root}"
        )
    return replace(site, root="/" + os.path.normpath(site.root).lstrip("/"))


def _observed(seen: Mapping[str, Any]) -> Observed:
    try:
        return Observed.model_validate(seen, strict=False)
    except ValidationError as wrong:
        raise CommandError(
            f"the host speaks otherwise than this version: {explain(wrong)}", subject="observe"
        ) from wrong
