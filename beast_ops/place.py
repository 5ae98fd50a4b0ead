# SPDX-License-Identifier: Apache-2.0
"""Where an installation keeps its things."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import NotDeployedError


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one installation, all below its root (an absolute path)."""

    root: Path

    @property
    def releases(self) -> Path:
        """Numbered releases, each complete."""
        return self.root / "releases"

    @property
    def current(self) -> Path:
        """The link to the release in force; switching it is one rename."""
        return self.root / "current"

    @property
    def services(self) -> Path:
        """The contract with the library, through the release in force."""
        return self.current / "services.json"

    @property
    def config(self) -> Path:
        """Rendered configuration, one folder per service and content hash."""
        return self.root / "config"

    @property
    def data(self) -> Path:
        """Data generations, each with one folder per volume."""
        return self.root / "data"

    @property
    def secrets(self) -> Path:
        """The master key, the versions, and one folder per reader."""
        return self.root / "secrets"

    @property
    def venv(self) -> Path:
        """The stack's own environments, one per content hash."""
        return self.root / "venv"

    @property
    def receipts(self) -> Path:
        """One JSON file per finished operation."""
        return self.root / "receipts"

    @property
    def logs(self) -> Path:
        """Rotated logs of processes and operations."""
        return self.root / "logs"

    @property
    def cache(self) -> Path:
        """What can be made again; no part of a backup, and may be deleted."""
        return self.root / "cache"

    @property
    def models(self) -> Path:
        """The registry of models, and their versions."""
        return self.root / "models"

    @property
    def run(self) -> Path:
        """Sockets, pid files and the lease: of no use after a reboot."""
        return self.root / "run"

    def require_deployed(self) -> "Place":
        """Return this place if a release is in force.

        Raises:
            NotDeployedError: If there is none.
        """
        if not self.services.is_file():
            raise NotDeployedError(
                "no installation here", subject=str(self.root), hint="Run: ./beast deploy"
            )
        return self


def installation(environ: Mapping[str, str] = os.environ) -> Place:
    """Return the place that `BEAST_ROOT` names, or `~/.beast`."""
    chosen = environ.get("BEAST_ROOT") or "~/.beast"
    return Place(Path(os.path.abspath(os.path.expanduser(chosen))))  # noqa: PTH100, PTH111 - resolve() would follow links the user chose
