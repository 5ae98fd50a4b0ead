# SPDX-License-Identifier: Apache-2.0
"""A release once more, for other data or another root: the same texts with other paths.

What a deploy of the same inventory would make then is this very release, so there is nothing
left for it to do.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from beast_ops.cards import Services
from beast_ops.release.build import digest
from beast_ops.release.land import Shipment
from beast_ops.release.observe import Record

RECORD = "release.json"
# How a path is written in files that have signs of their own: as it is, in JSON, where a dollar
# or a percent sign means more than itself.
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda path: json.dumps(path)[1:-1],
    lambda path: path.replace("$", "$$"),
    lambda path: path.replace("%", "%%"),
)


@dataclass(frozen=True, slots=True)
class Packed:
    """A release as text.

    Attributes:
        record: What it consists of.
        files: The files of its folder, by name.
        config: Files below `config/`, by relative path.
    """

    record: Record
    files: Mapping[str, str]
    config: Mapping[str, str]

    @property
    def services(self) -> Services:
        """What it runs."""
        return Services.model_validate_json(self.files["services.json"])


def read(release: Path, config: Path) -> Packed:
    """Return the release in the folder *release*, whose configuration lies below *config*.

    Raises:
        OSError: If a file of it is missing.
        ValidationError: If its record is none.
    """
    record = Record.model_validate_json((release / RECORD).read_bytes())
    files, texts = {}, {}
    for name in record.files:
        if name.startswith("config/"):
            inner = name.removeprefix("config/")
            texts[inner] = (config / inner).read_text(encoding="utf-8")
        else:
            inner = name.split("/", 2)[2]
            files[inner] = (release / inner).read_text(encoding="utf-8")
    return Packed(record, files, texts)


def ship(
    packed: Packed, generation: str, *, root: str = "", versions: Mapping[str, int] | None = None
) -> Shipment:
    """Return *packed* as a shipment that runs on the data of *generation*.

    Args:
        packed: The release.
        generation: Name of the data generation.
        root: Absolute path of another installation; its own if left out.
        versions: The versions of secrets there.
    """
    services, record = packed.services, packed.record
    place = root or services.root
    files = {
        name: _moved(text, services, f"{place}/data/{generation}", place)
        for name, text in packed.files.items()
    }
    parts = {
        "venv": record.venv,
        "generation": generation,
        "boot": record.boot,
        "files": files,
        "config": dict(packed.config),
        "volumes": record.volumes or _volumes(services),
        "handovers": [list(item) for item in record.handovers],
        "filled": [list(item) for item in record.filled],
        "owners": dict(record.owners),
        "given": list(record.given),
        "versions": dict(versions or {}),
    }
    said = {**parts, "content": digest(parts), "made": record.made}
    return Shipment.model_validate(said, strict=False)


def _moved(text: str, services: Services, data: str, root: str) -> str:
    """Return *text* with the paths of its data, and of all else below its root, as they are now.

    A path ends where it ends: the data of generation 1 are not those of 12.
    """
    ways = {}
    for before, now in ((services.data, data), (services.root, root)):
        for written in SPELLINGS:
            ways[written(before)] = written(now)
    longest = sorted(ways, key=len, reverse=True)
    paths = "|".join(re.escape(path) for path in longest)
    return re.sub(rf"({paths})(?![\w.-])", lambda found: ways[found[1]], text)


def _volumes(services: Services) -> dict[str, str]:
    """Return whose each volume is, for a release made before that was on record."""
    return {
        volume: (each.user or "0:0") if each.contained else ""
        for each in services
        for volume in each.volumes
    }
