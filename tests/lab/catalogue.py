# SPDX-License-Identifier: Apache-2.0
"""Which images the lab makes, and under which names: those that the roles' defaults say."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from .shell import CLONE, HERE, digest

DOUBLE, REAL, GROUND = "double", "real", "base"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one image is made: `FROM` what, and from which folder."""

    name: str
    kind: str
    usual: str
    """The production name, as long as no role says another."""
    base: str = "lab/base"
    module: str = ""
    """A module of ours that the image runs; all of ours that it imports goes in, too."""

    @property
    def folder(self) -> Path:
        """Where the Dockerfile and all it copies lie."""
        return HERE / ("doubles" if self.kind == DOUBLE else "images") / self.name

    @property
    def made(self) -> bool:
        """Whether there is anything to build it from."""
        return (self.folder / "Dockerfile").exists()

    @property
    def reference(self) -> str:
        """The name and tag the image gets."""
        return role_image(self.name) or self.usual


RECIPES = (
    Recipe("python", GROUND, "python:3.13-slim-trixie", "debian:trixie-slim"),
    Recipe("base", GROUND, "lab/base", "debian:trixie-slim"),
    Recipe("debs", GROUND, "lab/debs", "debian:trixie-slim"),
    Recipe("prometheus", REAL, "prom/prometheus:v3.14.0"),
    Recipe("alertmanager", REAL, "prom/alertmanager:v0.34.0"),
    Recipe("node_exporter", REAL, "quay.io/prometheus/node-exporter:v1.12.1"),
    Recipe("valkey", REAL, "valkey/valkey:9.1.1"),
    Recipe(
        "qdrant",
        REAL,
        "qdrant/qdrant:v1.19.0-unprivileged",
        "python:3.13-slim-trixie",
        "beast_ops.vectors.app",
    ),
    Recipe("ollama", DOUBLE, "ollama/ollama:0.32.15"),
    Recipe("open_webui", DOUBLE, "ghcr.io/open-webui/open-webui:v0.11.1"),
    Recipe("traefik", DOUBLE, "traefik:v3.7.11"),
    Recipe("cadvisor", DOUBLE, "ghcr.io/google/cadvisor:v0.60.5"),
    Recipe("grafana", DOUBLE, "grafana/grafana:13.2.0"),
)


def role_image(role: str) -> str:
    """Return the image that the defaults of *role* name, or nothing."""
    path = CLONE / "roles" / role / "defaults/main.yml"
    if not path.exists():
        return ""
    values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    name, version = values.get(f"{role}_image"), values.get(f"{role}_version")
    return f"{name}:{version}" if name and version else ""


def files(recipe: Recipe) -> dict[str, bytes]:
    """Return all that goes into the build of *recipe*, by path."""
    found = {
        str(path.relative_to(recipe.folder)): path.read_bytes()
        for path in sorted(recipe.folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("test_")
    }
    if recipe.kind == DOUBLE:
        for path in sorted((HERE / "doubles").glob("*.py")):
            found[f"common/{path.name}"] = path.read_bytes()
    if recipe.module:
        for path in closure(recipe.module):
            found[f"source/{path.relative_to(CLONE)}"] = path.read_bytes()
        found["stack.txt"] = (CLONE / "requirements/stack.txt").read_bytes()
    return found


def key(recipe: Recipe, base: str) -> str:
    """Return the hash of everything that makes the image what it is."""
    parts = (part for pair in files(recipe).items() for part in pair)
    return digest([recipe.reference, base, *parts])


@cache
def closure(module: str) -> tuple[Path, ...]:
    """Return the files of the modules of ours that *module* needs, itself included."""
    waiting = [(CLONE / module.replace(".", "/")).with_suffix(".py")]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += [
            above / "__init__.py" for above in path.parents if (above / "__init__.py").exists()
        ]
        waiting += _imported(path)
    return tuple(sorted(found))


def _imported(path: Path) -> Iterator[Path]:
    package = path.relative_to(CLONE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for name in names:
            if re.match(r"beast_ops(\.|$)", name):
                at = CLONE / name.replace(".", "/")
                yield from filter(Path.exists, (at.with_suffix(".py"), at / "__init__.py"))
