# SPDX-License-Identifier: Apache-2.0
"""What Grafana reads from files: data sources, and dashboards by their providers."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def complain(text: str) -> None:
    """Write an error as the log has it."""
    print(f'level=error msg="{text}"', file=sys.stderr, flush=True)


def expanded(value: Any) -> Any:
    """Return *value* with variables of the environment in its texts."""
    if isinstance(value, str):
        text = value.replace("$$", "\0")
        text = VARIABLE.sub(lambda found: os.environ.get(found[1] or found[2], ""), text)
        return text.replace("\0", "$")
    if isinstance(value, dict):
        return {key: expanded(each) for key, each in value.items()}
    return [expanded(each) for each in value] if isinstance(value, list) else value


def documents(kind: str) -> Iterator[dict[str, Any]]:
    """Yield what the YAML files of *kind* say.

    Raises:
        SystemExit: If one is no YAML, which stops the real one, too.
    """
    folder = Path(os.environ["GF_PATHS_PROVISIONING"]) / kind
    for path in sorted(folder.glob("*.y*ml")):
        try:
            yield expanded(yaml.safe_load(path.read_text())) or {}
        except yaml.YAMLError as wrong:
            raise SystemExit(f"{kind} provisioning error: {path.name}: {wrong}") from wrong


def datasources() -> dict[str, dict[str, Any]]:
    """Return the data sources by uid.

    Raises:
        SystemExit: If one lacks what each must have, or two are the default.
    """
    found: dict[str, dict[str, Any]] = {}
    for document in documents("datasources"):
        for each in document.get("datasources") or []:
            if not each.get("name") or not each.get("type"):
                raise SystemExit("Datasource provisioning error: name and type are required")
            found[each.get("uid") or each["name"]] = each
    if sum(bool(each.get("isDefault")) for each in found.values()) > 1:
        raise SystemExit("Datasource provisioning error: only one can be the default")
    return found


class Dashboards:
    """The dashboards of all providers, as their files are now."""

    def __init__(self) -> None:
        """Read the providers, once."""
        self.providers = [
            each for document in documents("dashboards") for each in document.get("providers") or []
        ]
        self._looked = 0.0
        self._found: dict[str, dict[str, Any]] = {}
        self._refused: set[str] = set()

    def now(self) -> dict[str, dict[str, Any]]:
        """Return the dashboards by uid, at most a second old."""
        if time.monotonic() - self._looked > 1:
            self._found = dict(self._read())
            self._looked = time.monotonic()
        return self._found

    def _read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for provider in self.providers:
            folder = Path((provider.get("options") or {}).get("path", ""))
            for path in sorted(folder.rglob("*.json")):
                model = self._model(path)
                if model is not None:
                    yield model.get("uid") or path.stem, model

    def _model(self, path: Path) -> dict[str, Any] | None:
        try:
            model = json.loads(path.read_text())
        except ValueError as wrong:
            return self._refuse(path, str(wrong))
        if not isinstance(model, dict) or not model.get("title"):
            return self._refuse(path, "Dashboard title cannot be empty")
        return model

    def _refuse(self, path: Path, why: str) -> None:
        if str(path) not in self._refused:
            complain(f"failed to load dashboard from {path}: {why}")
        self._refused.add(str(path))
