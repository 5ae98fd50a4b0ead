# SPDX-License-Identifier: Apache-2.0
"""Put the members of an archive where they belong: below one new folder, and nowhere else.

Links are made when every file is there, so nothing is ever written through one. Owners, modes
and times come last, from the manifest.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

from beast_ops.errors import PreflightError
from beast_ops.files import sync_file_system

from .entries import HEADER, PATH_BYTES, PROOF, Entry
from .reader import ArchiveReader, Member, Summary
from .tape import CHUNK, damaged

Where = Callable[[str], str | None]
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
LOOK_BYTES, ROOM_BYTES = 64 << 20, 64 << 20  # between two looks at the disk; what it keeps free
SHOWN_CHARACTERS = 200


def everywhere(name: str) -> str | None:
    """Want every member, under its own name."""
    return name


def extract(raw: IO[bytes], target: Path, where: Where = everywhere) -> Summary:
    """Fill the new folder *target* from the archive in *raw*, and prove both.

    Args:
        raw: The archive.
        target: A folder that is not there yet; gone again if anything fails.
        where: Says for the name of a member its path below *target*, or `None` for unwanted.

    Returns:
        What the archive is.

    Raises:
        ArchiveError: If it is not whole, or would reach beyond *target*.
        PreflightError: If a path is too long there, or the disk has no room for all of it.
        OSError: If something cannot be written.
    """
    target.mkdir(mode=PRIVATE_FOLDER, parents=True)
    try:
        with ArchiveReader(raw) as reader:
            for member in reader.members():
                path = where(member.name)
                if path is not None:
                    _reach(target / path)
                    _make(member, target, path)
            summary = reader.finish()
            _finish(reader, target, where)
        sync_file_system(target)
    except BaseException:
        wipe(target)
        raise
    return summary


def wipe(folder: Path) -> None:
    """Remove *folder* with all below it, whatever modes it has, if it is there."""

    def unlock(act: Callable[..., object], path: str, _: object) -> None:
        os.chmod(os.path.dirname(path), PRIVATE_FOLDER)  # noqa: PTH101, PTH120 - the text it hands us
        act(path)

    if os.geteuid() != 0 and folder.is_dir() and not folder.is_symlink():
        for found, _, _ in os.walk(folder):
            os.chmod(found, PRIVATE_FOLDER)  # noqa: PTH101 - likewise
    shutil.rmtree(folder, ignore_errors=not folder.exists())


def _reach(path: Path) -> None:
    """Refuse a *path* that is too long where it shall be, however short it is in the archive."""
    if len(os.fsencode(path)) > PATH_BYTES:
        raise PreflightError(
            "a path is longer than Linux takes",
            subject=f"{str(path)[:SHOWN_CHARACTERS]}…",
            hint="Restore below a shorter one.",
        )


def _make(member: Member, target: Path, path: str) -> None:
    """Make a folder or a file; links wait."""
    found = target / path
    if member.kind == "folder":
        _folders(found)
    elif member.kind == "file":
        _folders(found.parent)
        try:
            _write(member, found)
        except FileExistsError:
            raise damaged(f"it has {path!r} twice") from None
        except (NotADirectoryError, IsADirectoryError):
            raise damaged(f"{path!r} is a file and a folder") from None


def _folders(path: Path) -> None:
    """Make *path* and what is missing above it, for nobody but us."""
    try:
        path.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError:
        if not path.is_dir() or path.is_symlink():
            raise damaged(f"{path.name!r} is a file and a folder") from None
    except FileNotFoundError:
        _folders(path.parent)
        path.mkdir(mode=PRIVATE_FOLDER)


def _write(member: Member, path: Path) -> None:
    holes = member.info.sparse is not None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    writer = os.open(path, flags, PRIVATE_FILE)
    until_look = 0
    try:
        while data := member.read(CHUNK):
            if holes and not any(data):
                os.lseek(writer, len(data), os.SEEK_CUR)
                continue
            if until_look <= 0:
                _leave_room(writer, path)
                until_look = LOOK_BYTES
            _write_all(writer, data)
            until_look -= len(data)
        if holes:
            os.ftruncate(writer, member.info.size)
    finally:
        os.close(writer)


def _leave_room(writer: int, path: Path) -> None:
    """Refuse to go on before the disk is so full that what runs on it cannot write any more."""
    found = os.fstatvfs(writer)
    if found.f_bavail * found.f_frsize < LOOK_BYTES + ROOM_BYTES:
        raise PreflightError(
            "there is no room for all that the backup holds",
            subject=str(path),
            hint="Make room on this disk, and try again.",
        )


def _write_all(writer: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(writer, left) :]


def _finish(reader: ArchiveReader, target: Path, where: Where) -> None:
    """Make the links; then give everything its owner, mode and time, folders last."""
    folders: list[tuple[Path, Entry]] = []
    for entry in reader.entries():
        path = None if entry.path in {HEADER, PROOF} else where(entry.path)
        if path is None:
            continue
        if entry.kind == "folder":
            folders.append((target / path, entry))
            continue
        if entry.kind in {"same", "link"}:
            _link(target, where, entry, path)
        _dress(target / path, entry)
    for folder, entry in reversed(folders):
        _dress(folder, entry)


def _link(target: Path, where: Where, entry: Entry, path: str) -> None:
    """Make a link, or give an earlier file another name; in a real folder, never through a link.

    Raises:
        ArchiveError: If there is no such folder, or no such file.
    """
    found = target / path
    _reach(found)
    if found.parent.resolve() != target.resolve() / os.path.dirname(path):  # noqa: PTH120 - as text
        raise damaged(f"{path!r} lies behind a link")
    _folders(found.parent)
    try:
        if entry.kind == "link":
            found.symlink_to(entry.target)
            return
        first = where(entry.target)
        if first is None or (target / first).is_symlink() or not (target / first).is_file():
            raise damaged(f"{path!r} is another name of a file that is not there")
        found.hardlink_to(target / first)
    except FileExistsError:
        raise damaged(f"it has {path!r} twice") from None


def _dress(path: Path, entry: Entry) -> None:
    """Give *path* what the manifest says of it; owners only if we may."""
    if os.geteuid() == 0:
        os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
    if entry.kind != "link":
        path.chmod(entry.mode)
    os.utime(path, ns=(entry.mtime, entry.mtime), follow_symlinks=False)
