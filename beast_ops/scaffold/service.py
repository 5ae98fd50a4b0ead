# SPDX-License-Identifier: Apache-2.0
"""Write the role of a new service from the skeleton: judge the name, then write all or nothing."""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from beast_ops.errors import PreflightError, UsageError

SKELETON = Path(__file__).with_name("skeleton")
# RFC 1035, 2.3.1, lower case only: the name becomes a host name and part of a variable's.
LABEL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40  # as on a card
PORTS = range(1024, 65536)
FIRST_PORT = 8100
# Their settings would be called like Ansible's own variables, or like other things of ours.
TAKEN = frozenset({"ansible", "beast", "group", "inventory", "play", "playbook", "supervisord"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A new service, judged: its name, the name of its role, and its port."""

    name: str
    role: str
    port: int

    def words(self) -> dict[str, str]:
        """Return what the skeleton needs."""
        return {"name": self.name, "role": self.role, "port": str(self.port)}


def draft(name: str, port: int | None, ports: Mapping[str, int], roles: frozenset[str]) -> Draft:
    """Return the new service if its name and port fit in with the others.

    Args:
        name: What the service shall be called.
        port: Where it shall listen; nothing for the first free one.
        ports: Ports that are settings of others, by the setting's name.
        roles: The names of all roles.

    Raises:
        UsageError: If they do not.
    """
    if not LABEL.fullmatch(name) or len(name) > LONGEST:
        raise UsageError(
            "not a name for a service",
            subject=name,
            hint=f"Take lower-case letters, digits and single hyphens, at most {LONGEST}.",
        )
    role = name.replace("-", "_")
    if role in TAKEN or role.startswith("ansible_"):
        raise UsageError("this name means something else here", subject=name, hint="Take another.")
    # A setting belongs to the role whose name it begins with, so none may begin another's.
    for other in sorted(roles):
        if other.startswith(role) or role.startswith(other):
            raise UsageError(
                f"one of the names {name} and {other} begins the other",
                subject=name,
                hint="Take one that does not.",
            )
    return Draft(name, role, _port(port, ports))


def _port(port: int | None, ports: Mapping[str, int]) -> int:
    if port is None:
        return next(each for each in range(FIRST_PORT, PORTS.stop) if each not in ports.values())
    if port not in PORTS:
        raise UsageError("not a port that needs no root", subject=str(port), hint="1024 to 65535.")
    for setting, taken in ports.items():
        if taken == port:
            raise UsageError(f"this port is {setting}", subject=str(port), hint="Take another.")
    return port


def files(new: Draft) -> dict[str, str]:
    """Return the files of the new service: text by path below the clone."""
    found = {}
    targets = {"role": f"roles/{new.role}", "molecule": f"molecule/{new.role}"}
    for part, target in targets.items():
        for path in sorted((SKELETON / part).rglob("*.template")):
            below = path.relative_to(SKELETON / part).with_suffix("")
            text = Template(path.read_text(encoding="utf-8")).substitute(new.words())
            found[f"{target}/{below}"] = text
    return found


def write(clone: Path, name: str, port: int | None = None) -> list[str]:
    """Write the new service into *clone* and return what to tell: what is there, what to do.

    Raises:
        PreflightError: If the clone cannot be written.
        UsageError: If name or port do not fit in with the others.
    """
    roles = frozenset(path.name for path in (clone / "roles").iterdir() if path.is_dir())
    new = draft(name, port, declared_ports(clone), roles)
    folders = [f"roles/{new.role}", f"molecule/{new.role}"]
    for folder in folders:
        if (clone / folder).exists():
            raise UsageError("is there already", subject=folder, hint="Take another name.")
    try:
        _place(clone, files(new), folders)
    except OSError as wrong:
        raise PreflightError(
            f"cannot write: {wrong.strerror}", subject=str(wrong.filename or clone)
        ) from wrong
    return [
        f"Written: {folders[0]}/ (the service) and {folders[1]}/ (its test).",
        "To take it in, add this line to beast_services in inventory/local/group_vars/all.yml:",
        f"  - {new.role}",
        f"Then run ./beast deploy; it answers on http://127.0.0.1:{new.port}/",
    ]


def _place(clone: Path, texts: Mapping[str, str], folders: list[str]) -> None:
    """Write everything beside its place, then rename; take back the first if the second fails."""
    with tempfile.TemporaryDirectory(prefix=".new-service-", dir=clone) as aside:
        for path, text in texts.items():
            target = Path(aside) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        done: list[Path] = []
        try:
            for folder in folders:
                (clone / folder).parent.mkdir(exist_ok=True)
                os.rename(Path(aside) / folder, clone / folder)  # noqa: PTH104 - fails on a folder that came in between
                done.append(clone / folder)
        except OSError:
            for folder_ in done:
                shutil.rmtree(folder_)
            raise


def declared_ports(clone: Path) -> dict[str, int]:
    """Return the default ports of all roles in *clone*, by the setting's name."""
    import yaml

    found: dict[str, int] = {}
    for path in sorted(clone.glob("roles/*/defaults/main.yml")):
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        found |= {
            name: value
            for name, value in settings.items()
            if name.endswith("_port") and isinstance(value, int)
        }
    return found
