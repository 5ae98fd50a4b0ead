# SPDX-License-Identifier: Apache-2.0
"""Every setting an inventory may contain, read from where the roles declare them."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .errors import BeastError, SettingsError

GLOBAL_PREFIX = "beast_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its type in Ansible's words, its choices if limited, the role that owns it.

    The default is that of the role; what the inventory must say itself has none.
    """

    name: str
    type: str
    choices: tuple[str, ...]
    role: str
    description: str
    default: Any = None


def declared(clone: Path) -> dict[str, Setting]:
    """Return all settings of the roles in *clone*, and those of the whole installation.

    Raises:
        BeastError: If a role's declaration cannot be read.
    """
    found: dict[str, Setting] = {}
    for path in sorted(clone.glob("roles/*/meta/argument_specs.yml")):
        role = path.parent.parent.name
        found.update(_read(path, partial(_of_role, role)))
    found.update(_read(clone / "roles" / "project" / "vars" / "main.yml", _of_installation))
    return found


def refuse_unknown(clone: Path, names: Iterable[str], roles: Iterable[str]) -> None:
    """Refuse what looks like a setting and is none.

    Args:
        clone: Where the roles are.
        names: Every variable name of an inventory.
        roles: The roles of its services; a name that begins with one of them must be declared.

    Raises:
        SettingsError: If a name is not declared; names the closest one that is.
    """
    known = declared(clone)
    prefixes = (GLOBAL_PREFIX, *(f"{role}_" for role in roles))
    unknown = sorted(name for name in names if name.startswith(prefixes) and name not in known)
    if unknown:
        raise unknown_error(unknown, known)


def unknown_error(names: Iterable[str], known: Iterable[str]) -> SettingsError:
    """Return the error that says that *names* are not among the *known* settings."""
    unknown = list(names)
    return SettingsError("not a setting", subject=", ".join(unknown), hint=_closest(unknown, known))


def _closest(unknown: Iterable[str], known: Iterable[str]) -> str:
    names = list(known)
    found = [match for name in unknown for match in difflib.get_close_matches(name, names, 1)]
    return f"Did you mean {', '.join(found)}?" if found else "See docs/reference/settings.md."


def _of_role(role: str, declaration: Any) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for spec in declaration["argument_specs"].values():
        found.update(_settings(role, spec.get("options") or {}))
    return found


def _of_installation(variables: Any) -> dict[str, Setting]:
    return _settings("project", variables["__project_settings"])


def _settings(role: str, options: Mapping[str, Mapping[str, Any]]) -> dict[str, Setting]:
    return {
        name: Setting(
            name=name,
            type=str(option.get("type", "str")),
            choices=tuple(str(choice) for choice in option.get("choices") or ()),
            role=role,
            description=_sentence(option.get("description", "")),
            default=option.get("default"),
        )
        for name, option in options.items()
        if not option.get("required")  # handed over by the playbook, not set by an inventory
    }


def _sentence(description: Any) -> str:
    return " ".join(description) if isinstance(description, list) else str(description)


def _read(path: Path, understand: Callable[[Any], dict[str, Setting]]) -> dict[str, Setting]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast twin, where it was built
    try:
        return understand(yaml.load(path.read_bytes(), Loader=loader))  # noqa: S506 - both are safe loaders
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as failed:
        raise BeastError(
            "cannot read what a role declares", subject=str(path), hint="Clone again."
        ) from failed
