# SPDX-License-Identifier: Apache-2.0
"""The controller's side of a deploy: everything the action plugin does that is not Ansible's.

Kept apart from the plugin so that it can be read, typed and tested without Ansible.
"""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from beast_ops.cards import DNS_LABEL, Card, read_card
from beast_ops.errors import (
    BeastError,
    CardError,
    CommandError,
    SettingsError,
    TransientError,
    UsageError,
)
from beast_ops.place import Place
from beast_ops.runtime.values import values
from beast_ops.settings import explain

from . import build as building
from .build import Release, digest
from .environment import COMPLETE
from .observe import Observed
from .package import LOCK, build_wheel, environment_hash

__all__ = ["environment_hash"]

KINDS: dict[int, type[BeastError]] = {64: UsageError, 75: TransientError}


@dataclass(frozen=True, slots=True)
class Site:
    """What an inventory says of an installation.

    Attributes:
        project: Its name.
        runtime: What runs its services.
        root: Where it lies on its host.
        boot: Whether it starts with the machine.
    """

    project: str
    runtime: str
    root: str
    boot: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A release whose templates are still to be rendered, with the variables they take."""

    release: Release
    boot: bool
    variables: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole release and how it differs from what the host runs."""

    release: Release
    boot: bool
    files: Mapping[str, str]
    seen: Observed

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
            "volumes": list(release.volumes),
            "handovers": [
                [item.reader, item.file, item.owner, item.name] for item in release.handovers
            ],
            "versions": dict(release.site.versions),
        }

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
        services = self.release.services
        return {
            "release": self.seen.release,
            "changes": self.changes,
            "venv": self.release.site.venv,
            "shipment": {**self._parts(), "content": self.content},
            "ports": {
                service.name: int(service.address.rsplit(":", 1)[1])
                for service in services
                if service.address and service.process
            },
            "roles": {service.name: service.role for service in services},
        }


def draft(cards: Sequence[object], site: Site, venv: str, seen: Mapping[str, Any]) -> Draft:
    """Return the release that *cards* make, before its templates are rendered.

    Raises:
        CardError: If a card is wrong or the cards do not fit together.
        SettingsError: If the runtime is not one this version has, or a service would refuse
            its settings.
    """
    site = _judged(site)
    observed = _observed(seen)
    release = building.build(
        [_judge_settings(read_card(card)) for card in cards],
        building.Site(
            site.project, site.runtime, site.root, observed.generation, venv, observed.versions
        ),
    )
    python = Path(site.root) / "venv" / venv / "bin" / "python"
    return Draft(release, site.boot, values(Place(Path(site.root)), release.services, python))


def plan(draft: Draft, files: Mapping[str, str], seen: Mapping[str, Any]) -> Plan:
    """Return the plan made of *draft* and its rendered *files*."""
    contract = json.dumps(draft.release.services.model_dump(mode="json"), indent=2)
    whole = {**files, "services.json": f"{contract}\n"}
    return Plan(draft.release, draft.boot, whole, _observed(seen))


def _judged(site: Site) -> Site:
    """Return *site* with its root in one spelling, if it makes sense."""
    if site.runtime != "embedded":
        raise SettingsError(
            f"{site.runtime!r} is no runtime of this version",
            subject="beast_runtime",
            hint="Set it to: embedded",
        )
    if not re.fullmatch(DNS_LABEL, site.project):
        raise SettingsError(
            "not a name for an installation",
            subject="beast_project",
            hint="Take lower-case letters, digits and single hyphens, such as: beast",
        )
    if not os.path.isabs(site.root):  # noqa: PTH117 - a path on the host, not here
        raise SettingsError(
            "the root of an installation is an absolute path", subject=f"beast_root: {site.root}"
        )
    return replace(site, root="/" + os.path.normpath(site.root).lstrip("/"))


def _judge_settings(card: Card) -> Card:
    """Return *card* with the settings its service reads, typed as that service wants them.

    What was set with `--extra-vars name=value` arrives as text, whatever it means.

    Raises:
        CardError: If there is no such model.
        SettingsError: If the service would refuse them when it starts.
    """
    if card.judge is None or "settings.json" not in card.config:
        return card
    module, _, name = card.judge.partition(":")
    try:
        model: type[BaseModel] = getattr(import_module(module), name)
        typed = model.model_validate(card.config["settings.json"], strict=False)
    except (ImportError, AttributeError) as missing:
        raise CardError(f"no model {card.judge}", subject=f"card of {card.name}") from missing
    except ValidationError as wrong:
        raise SettingsError(
            explain(wrong),
            subject=f"settings of {card.name}",
            hint=f"What may be set is in roles/{card.role}/defaults/main.yml.",
        ) from wrong
    content = typed.model_dump(mode="json", exclude_unset=True)
    return card.model_copy(update={"config": {**card.config, "settings.json": content}})


def _observed(seen: Mapping[str, Any]) -> Observed:
    try:
        return Observed.model_validate(seen, strict=False)
    except ValidationError as wrong:
        raise CommandError(
            f"the host speaks otherwise than this version: {explain(wrong)}", subject="observe"
        ) from wrong


def host_command(words: Sequence[str], root: str, venv: str, transport: str) -> str:
    """Return the shell line that runs the host's side of a verb.

    It uses the environment of this release, or else that of the release in force, or else, on
    this machine, our own. On another host without any, nothing of ours stands: `{}` says so.
    """
    program = f"-m beast_ops.release {shlex.join([*words, root])}"
    folders = " ".join(map(shlex.quote, (f"{root}/venv/{venv}", f"{root}/current/venv")))
    last = f"exec {shlex.quote(sys.executable)} {program}" if transport == "local" else 'echo "{}"'
    return (
        f"for venv in {folders}; do "
        f'if [ -e "$venv/{COMPLETE}" ] && [ -x "$venv/bin/python" ]; then '
        f'exec "$venv/bin/python" -I {program}; fi; done; {last}'
    )


def read_answer(verb: str, code: int, stdout: str, stderr: str) -> dict[str, Any]:
    """Return what the host's side of *verb* answered.

    Raises:
        CommandError: If it failed, with its own paragraph.
        TransientError: Likewise, when trying again may help.
        UsageError: Likewise, when something was wrong with what was asked.
    """
    try:
        answer = json.loads(stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last = " ".join((stderr or stdout).split())[-600:]
        raise CommandError(f"the host could not {verb}: {last}", subject=f"exit {code}") from None
    if not isinstance(answer, dict):
        raise CommandError(f"the host answered {type(answer).__name__}", subject=verb)
    if "error" in answer:
        raise KINDS.get(code, CommandError)(str(answer["error"]))
    return answer


def environment_files(clone: Path, folder: Path) -> list[Path]:
    """Return the wheel, built in *folder*, and the lock file that make the environment."""
    return [build_wheel(clone, folder), clone / LOCK]


def environment_command(python: str, root: str, venv: str, sent: Sequence[str], uv: str) -> str:
    """Return the shell line that makes the environment *venv* from the *sent* files."""
    wheel, lock = sent
    words = ["env", f"PYTHONPATH={wheel}", "PYTHONDONTWRITEBYTECODE=1", python, "-m"]
    return shlex.join([*words, "beast_ops.release.environment", root, venv, wheel, lock, uv])


def installer(transport: str) -> str:
    """Return the program that installs packages on a host reached by *transport*."""
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    return beside if transport == "local" and beside else "uv"
