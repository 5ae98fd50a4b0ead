# SPDX-License-Identifier: Apache-2.0
"""Look at what a host runs now, and change nothing."""

import os
from pathlib import Path, PurePath

from pydantic import ValidationError

from beast_ops import keys, receipts
from beast_ops.cards import Services, read_services
from beast_ops.errors import BeastError, CardError
from beast_ops.hashing import hash_files, sha256_of
from beast_ops.place import Place
from beast_ops.secret_files import FilledFile
from beast_ops.settings import Strict

from .environment import COMPLETE

PROTOCOL = 1
FIRST_GENERATION = "1"


class Record(Strict):
    """`release.json`: what a release consists of; `files` are hashes by path below the root.

    `made` is the version of this program that made it; empty if it is older than that field.
    """

    content: str
    venv: str
    generation: str
    boot: bool = False
    volumes: dict[str, str] = {}
    handovers: tuple[tuple[str, str, str, str], ...]
    filled: tuple[tuple[str, str, str], ...] = ()
    owners: dict[str, str] = {}
    given: tuple[str, ...] = ()
    made: str = ""
    files: dict[str, str] = {}


class Observed(Strict):
    """What stands on a host.

    Attributes:
        release: Name of the release in force, such as `3-1f0c…`.
        content: Its content hash.
        made: The version of this program that made it, if that is on record.
        generation: The data generation in force.
        files: Its rendered files by a name without hashes, for the diff.
        versions: Version of each rotated secret.
        settled: Whether it is proven, intact, runs as described, and all its secrets are there.
    """

    protocol: int = PROTOCOL
    release: str | None = None
    content: str | None = None
    made: str = ""
    generation: str = FIRST_GENERATION
    files: dict[str, str] = {}
    versions: dict[str, int] = {}
    settled: bool = False


def current_release(place: Place) -> str | None:
    """Return the name of the release in force, or `None`."""
    try:
        return os.path.basename(os.readlink(place.current))  # noqa: PTH115, PTH119 - the text of the link, not what it leads to
    except OSError:
        return None


def read_record(place: Place, release: str) -> Record | None:
    """Return the record of *release*, or `None` if it is missing or damaged."""
    try:
        return Record.model_validate_json((place.releases / release / "release.json").read_bytes())
    except (OSError, ValidationError):
        return None


def observe(place: Place) -> Observed:
    """Return what stands at *place*.

    Raises:
        BeastError: If the list of rotated secrets is damaged.
    """
    release = current_release(place)
    versions = _versions(place)
    record = read_record(place, release) if release else None
    if release is None or record is None:
        return Observed(generation=_generation(place), versions=versions)
    return Observed(
        release=release,
        content=record.content,
        made=record.made,
        generation=record.generation,
        files=_files(place, release, record),
        versions=versions,
        settled=_is_settled(place, release, record),
    )


def _versions(place: Place) -> dict[str, int]:
    """Return the rotations; none where one may not look, which the preflight explains."""
    try:
        return keys.versions(place.secrets)
    except (NotADirectoryError, PermissionError):
        return {}


def is_intact(place: Place, record: Record) -> bool:
    """Return whether the files of a release are what they were when they were written."""
    said = {place.root / path: hashed for path, hashed in record.files.items()}
    return all(found.sha256 == said[found.path] for found in hash_files(said))


def fingerprint(path: Path) -> str | None:
    """Return SHA-256 over the file at *path*, or `None` if it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return None


def _generation(place: Place) -> str:
    """Return the data generation of a release whose record is lost: never an older one."""
    try:
        return Path(read_services(place.services).data).name
    except BeastError:
        kept = [path.name for path in place.data.glob("[0-9]*") if path.name.isdecimal()]
        return max(kept, key=int, default=FIRST_GENERATION)


def _files(place: Place, release: str, record: Record) -> dict[str, str]:
    """Return what *record* names, by the name under which the controller knows it."""
    found = {}
    for path in sorted(record.files):
        if path.startswith("config/"):
            service, _, name = PurePath(path).parts[1:]
            found[f"{service}/{name}"] = _text(place.root / path)
        else:
            found[path.removeprefix(f"releases/{release}/")] = _text(place.root / path)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _is_settled(place: Place, release: str, record: Record) -> bool:
    if not receipts.is_proven(place.receipts, release):
        return False
    if keys.missing(
        place.secrets,
        (keys.Handover(*item) for item in record.handovers),
        filled=(FilledFile(*item) for item in record.filled),
    ):
        return False
    if not is_intact(place, record) or not (place.venv / record.venv / COMPLETE).exists():
        return False
    try:
        return _runs(place, read_services(place.services))
    except CardError:
        return False


def _runs(place: Place, services: Services) -> bool:
    """Return whether exactly what is described runs."""
    from beast_ops.runtime import of

    try:
        return of(place).runs(place, services)
    except BeastError:
        return False
