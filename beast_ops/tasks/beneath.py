# SPDX-License-Identifier: Apache-2.0
"""Files below a folder, and never anything else, whatever happens to the folder meanwhile.

Every folder on the way is opened by itself, from the one above it, and no link is followed: who
exchanges one for a link while we walk is told that it is one. Other file systems (`/proc` is one)
are not entered.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from beast_ops.errors import UsageError

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
NEVER = frozenset({"/", "/proc", "/sys", "/dev"})
LONGEST, DEEPEST = 1000, 20
LOOKED_AT = 10_000  # entries of one folder

SECRET_SUFFIXES = (".key", ".pem", ".p12", ".pfx", ".kdbx", ".gpg", ".age", ".jks", ".keystore")
SECRET_NAMES = ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "credentials", "secrets")


class RefusedError(Exception):
    """A call that is not carried out, and why; told to the model."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a folder: its name, whether it is a folder, and its bytes."""

    name: str
    folder: bool
    bytes: int


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names in *path*; pure.

    Raises:
        RefusedError: If it leads out of a folder, or is none.
    """
    if "\0" in path or len(path) > LONGEST:
        raise RefusedError("this is no path")
    if path.startswith("/"):
        raise RefusedError("paths begin with the name of a folder, not with /")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise RefusedError("paths do not lead out of a folder")
    if len(parts) > DEEPEST:
        raise RefusedError("this is too deep")
    return parts


def is_private(name: str) -> bool:
    """Return whether a file or folder called *name* is left alone: hidden, or likely a secret."""
    low = name.casefold()
    return low.startswith((".", *SECRET_NAMES)) or low.endswith(SECRET_SUFFIXES)


def checked_folder(path: Path, never: Iterable[Path]) -> Path:
    """Return the folder *path*, resolved, if a task may have it.

    Raises:
        UsageError: If it is none, a whole system, or lies in one of *never*.
    """
    try:
        real = path.expanduser().resolve()
    except RuntimeError:  # a home of nobody, or links in a circle
        real = None
    if real is None or not real.is_dir():
        raise UsageError("there is no such folder", subject=str(path))
    inside = any(real.is_relative_to(each.resolve()) for each in never)
    if inside or str(real) in NEVER or real.parts[:2] in (("/", "proc"), ("/", "sys")):
        raise UsageError("no task may have this folder", subject=str(path))
    return real


class Beneath:
    """One folder, which stays the one it was when it was opened."""

    def __init__(self, path: Path, never: Iterable[Path] = ()) -> None:
        """Open the folder *path*, and never enter one of *never*.

        Raises:
            UsageError: If it cannot be opened.
        """
        try:
            self._handle = os.open(path, FOLDER)
        except OSError as wrong:
            raise UsageError(f"cannot be opened: {wrong.strerror}", subject=str(path)) from wrong
        self.path = path
        self._device = os.fstat(self._handle).st_dev
        self._never = frozenset(_identities(never))

    def close(self) -> None:
        """Close it."""
        os.close(self._handle)

    def is_in_place(self) -> bool:
        """Return whether its path still leads to it."""
        with suppress(OSError):
            return os.path.samestat(os.lstat(self.path), os.fstat(self._handle))
        return False

    @contextmanager
    def folder(self, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """Open the folder at *parts*, made where it is missing if *make*.

        Raises:
            RefusedError: If it may not be entered.
            OSError: If it is not there.
        """
        handle = os.dup(self._handle)
        try:
            for part in parts:
                below = self._enter(handle, part, make=make)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)

    def _enter(self, above: int, part: str, *, make: bool) -> int:
        if is_private(part):
            raise RefusedError("hidden folders and secrets are left alone")
        if make:
            with suppress(FileExistsError):
                os.mkdir(part, PRIVATE_FOLDER, dir_fd=above)
        try:
            handle = os.open(part, FOLDER, dir_fd=above)
        except OSError as wrong:
            # Linux says of a link that it is no folder (ENOTDIR), others that it is one (ELOOP).
            if _is_link(part, above):
                raise RefusedError("links are not followed") from wrong
            raise
        found = os.fstat(handle)
        if found.st_dev != self._device or (found.st_dev, found.st_ino) in self._never:
            os.close(handle)
            raise RefusedError("this folder is left alone")
        return handle

    def read(self, parts: Sequence[str], most: int) -> bytes:
        """Return what is in the file at *parts*.

        Raises:
            RefusedError: If it may not be read, or has more bytes than *most*.
            OSError: If it cannot be.
        """
        *above, name = parts
        if is_private(name):
            raise RefusedError("hidden files and secrets are left alone")
        with self.folder(above) as folder:
            _require_plain(name, folder)  # to open a device may do something already
            handle = os.open(name, FILE, dir_fd=folder)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not _is_file(found):
                raise RefusedError("this is no plain file")
            content = file.read(most + 1)
        if len(content) > most:
            raise RefusedError(f"this file has more than {most} bytes")
        return content

    def list(self, parts: Sequence[str], most: int) -> tuple[list[Entry], bool]:
        """Return what lies in the folder at *parts*, by name, and whether there is more.

        Links, and what is no plain file, are left out, as is what is private.

        Raises:
            RefusedError: If it may not be entered.
            OSError: If it is not there.
        """
        found = []
        with self.folder(parts) as folder:
            for each in islice(os.scandir(folder), LOOKED_AT):
                with suppress(FileNotFoundError):  # it is gone by now
                    kind = each.stat(follow_symlinks=False)
                    if not is_private(each.name) and (_is_folder(kind) or _is_file(kind)):
                        found.append(Entry(each.name, _is_folder(kind), kind.st_size))
        found.sort(key=lambda entry: entry.name)
        return found[:most], len(found) > most

    def write(self, parts: Sequence[str], content: bytes, temporary: str) -> None:
        """Replace the file at *parts* by *content* in one step, durable when this returns.

        Args:
            parts: Where; folders on the way are made.
            content: All of it.
            temporary: The name it has until it is whole; what has it is replaced.

        Raises:
            RefusedError: If there is something that is no plain file.
            OSError: If it cannot be written.
        """
        *above, name = parts
        with self.folder(above, make=True) as folder:
            mode = PRIVATE
            with suppress(FileNotFoundError):
                mode = stat.S_IMODE(_require_plain(name, folder).st_mode) & 0o777
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            handle = os.open(temporary, NEW, mode, dir_fd=folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(handle)
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
                raise
            os.fsync(folder)


def _require_plain(name: str, folder: int) -> os.stat_result:
    """Return what *name* in *folder* is if it is a plain file.

    Raises:
        RefusedError: If it is not.
    """
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        raise RefusedError("links are not followed")
    if not _is_file(found):
        raise RefusedError("this is a folder" if _is_folder(found) else "this is no plain file")
    return found


def _is_file(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode)


def _is_folder(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode)


def _is_link(name: str, folder: int) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    return False


def _identities(folders: Iterable[Path]) -> Iterator[tuple[int, int]]:
    for each in folders:
        with suppress(OSError):
            found = each.stat()
            yield found.st_dev, found.st_ino
