# SPDX-License-Identifier: Apache-2.0
"""What an archive holds besides data: the keys, the release in force, and what it is made of.

keys/master.key             or master.key.locked; versions, given/…, ca/…
release/<file>              the folder of the release in force
config/<service>/<hash>/…   what it names
source/<file>               what its environment is made of
own/settings.yml …          what belongs to this installation alone
evals/<collection>.yaml     golden questions
models/registry.sqlite      what is known of models; their versions are files of gigabytes
receipts/<file>             what was done so far
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from beast_ops import keys
from beast_ops.certificates import FOLDER as CA
from beast_ops.errors import NotDeployedError
from beast_ops.evals import questions
from beast_ops.place import Place
from beast_ops.release.environment import SOURCE
from beast_ops.release.observe import Record, current_release, read_record

from .locking import LOCKED
from .writer import ArchiveWriter

OWN = ("settings.yml", "override.yml")
REGISTRY = "models/registry.sqlite"
CANARY = b"ai-beast backup 1"


@dataclass(frozen=True, slots=True)
class InForce:
    """The release that is backed up: its name and its record."""

    name: str
    record: Record


def in_force(place: Place) -> InForce:
    """Return the release in force at *place*.

    Raises:
        NotDeployedError: If there is none, or its record is lost.
    """
    name = current_release(place.require_deployed())
    record = read_record(place, name) if name else None
    if name is None or record is None:
        raise NotDeployedError(
            "the record of the release in force is lost",
            subject=str(place.current),
            hint="Run: ./beast deploy",
        )
    return InForce(name, record)


def add(writer: ArchiveWriter, place: Place, release: InForce, locked: bytes | None) -> None:
    """Put all that is no data into the archive.

    Args:
        writer: The archive.
        place: The installation.
        release: Its release in force.
        locked: The master key as it shall be kept; the key itself if left out, nothing if empty.
    """
    _add_keys(writer, place.secrets, locked)
    folder = place.releases / release.name
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            writer.add_file(path, f"release/{path.relative_to(folder)}")
    for name in sorted(release.record.files):
        if name.startswith("config/"):
            writer.add_file(place.root / name, name)
    for path in _files(place.venv / release.record.venv / SOURCE):
        writer.add_file(path, f"source/{path.name}")
    for path in (place.root / name for name in OWN):
        if path.is_file():
            writer.add_file(path, f"own/{path.name}")
    for path in _files(place.root / questions.FOLDER, f"[!.]*{questions.SUFFIX}"):
        writer.add_file(path, f"{questions.FOLDER}/{path.name}")
    for path in _files(place.receipts):
        writer.add_file(path, f"receipts/{path.name}")


def _add_keys(writer: ArchiveWriter, secrets: Path, locked: bytes | None) -> None:
    if locked is None:
        writer.add_file(secrets / keys.MASTER, f"keys/{keys.MASTER}")
    elif locked:
        writer.add_bytes(f"keys/{LOCKED}", locked)
    if (secrets / keys.VERSIONS).is_file():
        writer.add_file(secrets / keys.VERSIONS, f"keys/{keys.VERSIONS}")
    for folder in (keys.GIVEN, CA):
        if (secrets / folder).is_dir() and (locked is None or locked):
            writer.add_tree(secrets / folder, f"keys/{folder}")


def _files(folder: Path, pattern: str = "*") -> Iterator[Path]:
    return (path for path in sorted(folder.glob(pattern)) if path.is_file())


def canary(master: bytes) -> str:
    """Return what tells a master key from others, and nothing of the key.

    HMAC-SHA-256 after RFC 2104: 256 random bits cannot be guessed from it.
    """
    return hmac.new(master, CANARY, hashlib.sha256).hexdigest()
