# SPDX-License-Identifier: Apache-2.0
"""Where the models of an installation lie on this host's disks."""

import os
from collections.abc import Mapping
from pathlib import Path

from beast_ops.cards import read_services
from beast_ops.place import Place

TREE = "models"
# Where Ollama keeps them if nothing is set: for a user, and as a service of the system.
USUAL = ("~/.ollama/models", "/usr/share/ollama/.ollama/models")


def stores(place: Place, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the stores of Ollamas that are here, that of the installation at *place* first.

    Args:
        place: The installation; it need not be deployed.
        environ: Variables, among them `OLLAMA_MODELS`.
    """
    known = [*_own(place), environ.get("OLLAMA_MODELS", ""), *map(os.path.expanduser, USUAL)]
    found: list[Path] = []
    for folder in filter(None, known):
        path = Path(folder)
        if _is_store(path) and not any(path.samefile(each) for each in found):
            found.append(path)
    return found


def _own(place: Place) -> list[str]:
    if not place.services.is_file():
        return []
    services = read_services(place.services)
    return [
        str(place.data / services.data / state.volume / TREE)
        for service in services
        if not service.external
        for state in service.state
        if state.how == TREE and state.volume
    ]


def _is_store(path: Path) -> bool:
    try:
        return (path / "manifests").is_dir() and (path / "blobs").is_dir()
    except OSError:
        return False
