# SPDX-License-Identifier: Apache-2.0
"""Turn what Compose makes of a release into what it is without us; pure.

Compose itself has merged the files, with what the user added. What lies below the root of the
installation and goes with it is mounted from the new folder; data stay where they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops.cards import Services
from beast_ops.compose.definition import LABEL
from beast_ops.release.remove import KEPT, OURS


@dataclass(frozen=True, slots=True)
class Shape:
    """What the folder consists of, but for its texts.

    Attributes:
        compose: What its Compose file says.
        folders: Where each of its folders comes from, by path in it.
        dropped: Mounts that are left out, as `service: path`, for they lead to what is ours alone.
    """

    compose: Mapping[str, Any]
    folders: Mapping[str, Path]
    dropped: tuple[str, ...]


def shape(found: Mapping[str, Any], services: Services) -> Shape:
    """Return what becomes of *found*, which `docker compose config` said of *services*."""
    root = Path(services.root)
    folders = _folders(root, services)
    ours = {each.name for each in services if each.ours}
    described: dict[str, Any] = {}
    dropped: list[str] = []
    used: set[str] = set()
    for name, definition in found["services"].items():
        mounts = []
        for mount in definition.get("volumes", ()):
            folder = _folder_of(mount, folders)
            moved = _moved(mount, root, folder)
            if moved is None:
                dropped.append(f"{name}: {mount['source']}")
            else:
                mounts.append(moved)
                used |= {folder[0]} if folder else set()
        described[name] = _plain(definition, mounts, ours=name in ours)
    networks = {name: _unlabelled(each) for name, each in (found.get("networks") or {}).items()}
    return Shape(
        compose={**found, "services": described, "networks": networks},
        folders={name: folders[name] for name in folders if name in used},
        dropped=tuple(dropped),
    )


def _folders(root: Path, services: Services) -> dict[str, Path]:
    """Return where what services are given lies, by its path in the new folder."""
    found = {
        f"config/{each.name}": root / "config" / each.config for each in services if each.config
    }
    for kind in ("live", "secrets"):
        found |= {f"{kind}/{each.name}": root / kind / each.name for each in services}
    return found


def _folder_of(mount: Mapping[str, Any], folders: Mapping[str, Path]) -> tuple[str, Path] | None:
    """Return the folder that *mount* shows, or shows a part of, by its path in the new one."""
    source = Path(str(mount.get("source", "")))
    bound = mount.get("type") == "bind"
    return next(
        (each for each in folders.items() if bound and source.is_relative_to(each[1])), None
    )


def _moved(
    mount: Mapping[str, Any], root: Path, folder: tuple[str, Path] | None
) -> dict[str, Any] | None:
    """Return *mount* as it is without us; `None` if it leads to what goes with us."""
    source = Path(str(mount.get("source", "")))
    if mount.get("type") != "bind" or root not in source.parents:
        return dict(mount)
    # A folder that is missing shall be an error, and not a new and empty one.
    careful = {**mount, "bind": {**(mount.get("bind") or {}), "create_host_path": False}}
    if folder is not None:
        name, whole = folder
        return {**careful, "source": f"./{(Path(name) / source.relative_to(whole)).as_posix()}"}
    return None if source.relative_to(root).parts[0] in OURS - KEPT else careful


def _plain(
    definition: Mapping[str, Any], mounts: list[dict[str, Any]], *, ours: bool
) -> dict[str, Any]:
    said = {key: value for key, value in definition.items() if value is not None}
    if mounts or "volumes" in said:
        said["volumes"] = mounts
    if ours:
        said["pull_policy"] = "never"  # it was made here, and no registry has it
    return _unlabelled(said)


def _unlabelled(said: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return *said* without our labels, by which our verbs would find and end it."""
    plain = dict(said or {})
    labels = plain.pop("labels", None) or {}
    kept = {name: value for name, value in labels.items() if not name.startswith(f"{LABEL}.")}
    return {**plain, "labels": kept} if kept else plain
