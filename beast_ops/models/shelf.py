# SPDX-License-Identifier: Apache-2.0
"""Where versions of models are kept: contents by their SHA-256, and records that name them.

    blobs/sha256-<64 hexadecimal digits>       a content, once
    records/<model>/<version>.json             what a version is made of

A version is there once its record is, and its contents come before it: whatever is interrupted
leaves at most a content that nobody names, which the next change takes away.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from beast_ops import locks
from beast_ops.errors import BusyError, MissingError, ModelError
from beast_ops.files import sync_folder, write_atomically
from beast_ops.hashing import sha256_of

from .linking import NAME, give

CHARACTERS = 8  # of a SHA-256 that are the name of a version
LOCK_SECONDS = 10.0
HALF = ".part"  # how files are called that are not there yet


@dataclass(frozen=True, slots=True)
class Part:
    """A content of a version: its SHA-256 and its bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model.

    Attributes:
        model: Its name, or the path of its file.
        version: The first `CHARACTERS` of `sha256`.
        sha256: Over the file; of an Ollama's model, over its manifest.
        kind: `ollama` or `file`.
        kept: When it was last the newest, in seconds since 1970.
        parts: Its contents, that of `sha256` first.
    """

    model: str
    version: str
    sha256: str
    kind: str
    kept: float
    parts: tuple[Part, ...]

    @property
    def bytes(self) -> int:
        """All its bytes."""
        return sum(part.bytes for part in self.parts)


class Shelf:
    """The folder with all versions."""

    def __init__(self, folder: Path) -> None:
        """Keep versions in *folder*, which is made with the first of them."""
        self._folder = folder
        self._blobs, self._records = folder / "blobs", folder / "records"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else change anything.

        Raises:
            BusyError: If somebody else does so for longer than `LOCK_SECONDS`.
        """
        handle = locks.wait(self._folder / "lock", LOCK_SECONDS)
        if handle is None:
            raise BusyError(
                "somebody else is at the versions of models",
                subject=str(self._folder),
                hint="Try again when that is done.",
            )
        try:
            self._blobs.mkdir(mode=0o700, exist_ok=True)
            self._records.mkdir(mode=0o700, exist_ok=True)
            yield
        finally:
            os.close(handle)

    def blob(self, sha256: str) -> Path:
        """Return where the content *sha256* lies, or would."""
        return self._blobs / f"sha256-{sha256}"

    def all(self, model: str = "") -> list[Version]:
        """Return the versions, the newest of each model first; only of *model* if it is given."""
        homes = [self._home(model)] if model else sorted(self._records.glob("*"))
        return [each for home in homes for each in self._in(home)]

    def get(self, model: str, version: str) -> Version:
        """Return a version of *model*; the beginning of its name is enough.

        Raises:
            MissingError: If there is none, or there are several that begin so.
        """
        fits = [each for each in self.all(model) if version and each.sha256.startswith(version)]
        if len(fits) != 1:
            raise MissingError(
                "there is no such version" if not fits else "several versions begin so",
                subject=f"{model} {version}"[:300],
                hint=f"See which there are: ./beast models.versions {model}",
            )
        return fits[0]

    def take(self, source: Path, sha256: str) -> None:
        """Have the content *sha256*, which lies at *source*, and let both be one file.

        Raises:
            OSError: If it cannot be kept.
        """
        if self.blob(sha256).exists():
            with suppress(OSError):  # another disk, or not ours: then it stays a file of its own
                _unite(self.blob(sha256), source)
            return
        give(source, self.blob(sha256), HALF)
        sync_folder(self._blobs)

    def record(self, version: Version) -> None:
        """Have *version*, whose contents are there, as the newest."""
        home = self._home(version.model)
        home.mkdir(mode=0o700, exist_ok=True)
        sync_folder(self._records)
        write_atomically(home / f"{version.version}.json", json.dumps(asdict(version)).encode())

    def forget(self, version: Version) -> None:
        """Forget *version*; contents that no other names go with the next `sweep`."""
        home = self._home(version.model)
        (home / f"{version.version}.json").unlink(missing_ok=True)
        sync_folder(home)
        with suppress(OSError):  # of others there
            home.rmdir()

    def sweep(self) -> None:
        """Take away contents that no version names, and what was interrupted."""
        named = {self.blob(part.sha256).name for each in self.all() for part in each.parts}
        for path in self._blobs.iterdir():
            if path.name not in named:
                path.unlink()
        for path in self._records.glob("*/.*"):
            path.unlink()

    def damaged(self, version: Version) -> list[str]:
        """Return the SHA-256 of those contents of *version* that are missing or others."""
        return [part.sha256 for part in version.parts if not self._is_sound(part)]

    def _is_sound(self, part: Part) -> bool:
        path = self.blob(part.sha256)
        try:
            return path.stat().st_size == part.bytes and sha256_of(path) == part.sha256
        except OSError:
            return False

    def _home(self, model: str) -> Path:
        return self._records / quote(model, safe="").replace(".", "%2E")

    def _in(self, home: Path) -> list[Version]:
        found = [_read(path, unquote(home.name)) for path in sorted(home.glob("[0-9a-f]*.json"))]
        return sorted(found, key=lambda each: -each.kept)


def _unite(blob: Path, source: Path) -> None:
    """Let *source* be the same file as *blob*, unless they belong to different users."""
    source.with_name(f"{HALF}-{source.name}"[:NAME]).unlink(missing_ok=True)  # of an interruption
    one, other = blob.stat(), source.stat()
    same = (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
    if same or (one.st_uid, one.st_gid) != (other.st_uid, other.st_gid):
        return
    give(blob, source, HALF, copies=False)


def _read(path: Path, model: str) -> Version:
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
        parts = tuple(Part(**each) for each in said.pop("parts"))
        found = Version(**said, parts=parts)
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise ModelError(
            "the record of a version is damaged",
            subject=str(path),
            hint=f"Delete it; the other versions of {model} are not concerned.",
        ) from wrong
    return found
