# SPDX-License-Identifier: Apache-2.0
"""Where one looks from: the host of an installation, or the inside of one of its containers."""

from dataclasses import dataclass
from pathlib import Path

from beast_ops.cards import Service, Services


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where the things of an installation lie for whoever looks.

    Attributes:
        root: The installation.
        data: The data generation in force, with one folder per volume.
        secrets: The folder with one folder of secrets per service.
        inside: Whether we look from inside a container.
    """

    root: Path
    data: Path
    secrets: Path
    inside: bool = False

    def address(self, service: Service) -> str | None:
        """Return where *service* is reached from here, if it is."""
        return service.inside if self.inside else service.address

    def disk(self) -> Path:
        """Return a folder on the file system that the installation fills."""
        if not self.inside:
            return self.root
        # The root of a container is its image; only the volumes are the installation's.
        return next((path for path in sorted(self.data.glob("*")) if path.is_dir()), self.data)


def on_host(services: Services) -> Standpoint:
    """Return where the host of *services* looks from."""
    root = Path(services.root)
    return Standpoint(root=root, data=Path(services.data), secrets=root / "secrets")
