# SPDX-License-Identifier: Apache-2.0
"""The README of each role, from what the role declares of itself; pure."""

from pathlib import Path
from typing import Any

import yaml

from beast_ops.declared import declared
from beast_ops.errors import BeastError

from .pages import WRITTEN, row

CONTAINED = "Its container runs `{image}`, the version of the defaults."


def readmes(clone: Path) -> dict[str, str]:
    """Return the README of each role in *clone*, by role.

    Raises:
        BeastError: If a role's declaration cannot be read.
    """
    known = declared(clone).values()
    found = {}
    for path in sorted(clone.glob("roles/*/meta/main.yml")):
        role = path.parent.parent
        rows = [row(setting) for setting in known if setting.role == role.name]
        found[role.name] = _page(role, rows)
    return found


def _page(role: Path, rows: list[str]) -> str:
    about = _read(role / "meta" / "main.yml")["galaxy_info"]["description"]
    defaults = _read(role / "defaults" / "main.yml") or {}
    lines = [WRITTEN, "", f"# {role.name}", "", about]
    image = defaults.get(f"{role.name}_image")
    if image:
        lines.append(CONTAINED.format(image=image))
    if f"__{role.name}_card" in (_read(role / "vars" / "main.yml") or {}):
        lines += ["", f"Take it in by one line in `beast_services`: `- {role.name}`."]
        lines.append("What others may know of it stands in `vars/main.yml`: its card.")
    if rows:
        head = ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
        lines += ["", *head, *rows]
    return "\n".join([*lines, ""])


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    except yaml.YAMLError as wrong:
        raise BeastError("cannot read what a role declares", subject=str(path)) from wrong
