# SPDX-License-Identifier: Apache-2.0
"""Where an archive goes: a file, a file encrypted by age, or a store of restic.

A file has a temporary name until all of it is durable; a store shows nothing until restic is done.
age and restic are programs of the host; what they need to know comes by files and the
environment (`RESTIC_PASSWORD_FILE`, `AWS_…`), never in words that everybody sees.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from beast_ops.errors import SettingsError
from beast_ops.files import sync_folder

from .names import SECRET_SUFFIX, SUFFIX
from .pipes import written
from .tape import Sink

PARTIAL = ".partial-"
PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Target:
    """Where to.

    Attributes:
        folder: Where archives lie as files.
        recipients: Public keys of age that may read the file; none leaves it unencrypted.
        store: A repository of restic instead; empty for a file.
    """

    folder: Path
    recipients: tuple[str, ...] = ()
    store: str = ""

    @property
    def compressed(self) -> bool:
        """Whether the archive is compressed: a store does that itself, and finds more alike."""
        return not self.store


@contextmanager
def opened(target: Target, name: str) -> Iterator[Sink]:
    """Yield what the archive *name* is written to; it is there when this ends well, else not.

    Raises:
        CommandError: If age or restic fails, or is not there.
        OSError: If there is no room.
    """
    if target.store:
        with _store(target.store, name) as sink:
            yield sink
        return
    target.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    final = target.folder / f"{name}{SECRET_SUFFIX if target.recipients else SUFFIX}"
    with written_file(final) as raw:
        if target.recipients:
            with _age(target.recipients, raw) as sink:
                yield sink
        else:
            yield raw


@contextmanager
def written_file(final: Path) -> Iterator["Whole"]:
    """Yield what the file *final* is written with; it is there when this ends well, else not.

    Raises:
        OSError: If there is no room.
    """
    partial = final.with_name(f"{PARTIAL}{final.name}")
    try:
        with _file(partial) as raw:
            yield raw
            os.fsync(raw.fileno())
        partial.rename(final)
        sync_folder(final.parent)
    finally:
        partial.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what killed backups left in *folder*; nobody else makes one now."""
    for path in folder.glob(f"{PARTIAL}*"):
        with suppress(OSError):
            path.unlink()


@contextmanager
def _file(path: Path) -> Iterator["Whole"]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, PRIVATE), "wb", buffering=0) as raw:
        yield Whole(raw)


class Whole:
    """An unbuffered file that takes all it is given."""

    def __init__(self, raw: IO[bytes]) -> None:
        """Write to *raw*."""
        self._raw = raw
        self.fileno = raw.fileno

    def write(self, data: bytes) -> None:
        """Write all of *data*."""
        left = memoryview(data)
        while left:
            left = left[self._raw.write(left) :]


@contextmanager
def _age(recipients: Sequence[str], raw: "Whole") -> Iterator[Sink]:
    words = [word for each in recipients for word in ("--recipient", _recipient(each))]
    with written(["age", "--encrypt", *words], stdout=raw.fileno()) as sink:
        yield sink


def _recipient(text: str) -> str:
    if not text.startswith(("age1", "ssh-")):
        raise SettingsError(
            "not a public key of age", subject=text, hint="It begins with age1, or with ssh-."
        )
    return text


@contextmanager
def _store(store: str, name: str) -> Iterator[Sink]:
    words = ["restic", "--repo", store, "--quiet", "backup", "--stdin", "--tag", "ai-beast"]
    with written([*words, "--stdin-filename", f"{name}.tar"]) as sink:
        yield sink
