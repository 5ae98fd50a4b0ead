# SPDX-License-Identifier: Apache-2.0
"""Secrets: derived from one master key, never stored twice, rotated by a version.

The master key is made where the installation first runs and never leaves it. Each secret is
HKDF(master key, "service/name", version), so the same key yields the same secrets and nothing
else must be kept. Versions stand in an append-only file that no rollback touches.
"""

import base64
import os
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .errors import BeastError, SettingsError
from .files import PRIVATE, Owner, write_atomically
from .secret_files import FilledFile, fill

MASTER_BYTES = 32  # as long as the digest of the hash function, RFC 5869 section 3.1
SECRET_BYTES = 32  # 256 bits: 43 characters of base64url
SALT = b"ai-beast secrets 1"
MASTER = "master.key"
DEPLOY = "Run: ./beast deploy"
GIVEN = "given"  # the folder of what is not derived
VERSIONS = "versions"
ROTATED = re.compile(rb"(?P<name>[a-z0-9-]+/[a-z0-9_]+) (?P<version>[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Handover:
    """One file for one reader: the secret *owner*/*name* under the file name *file*."""

    reader: str
    file: str
    owner: str
    name: str


def derive(master: bytes, owner: str, name: str, version: int) -> str:
    """Return the secret *owner*/*name* in its *version* as 43 characters of base64url.

    HKDF with SHA-256 after RFC 5869.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"{owner}/{name}/{version}".encode()
    key = HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=SALT, info=info).derive(master)
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def versions(folder: Path) -> dict[str, int]:
    """Return the version of each rotated secret, by `owner/name`; all others have version 1.

    Raises:
        BeastError: If a line is damaged, other than the last one, torn by a crash: passing over
            it could bring back a secret that was given up.
    """
    found: dict[str, int] = {}
    path = folder / VERSIONS
    try:
        *lines, last = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return found
    for number, line in enumerate((*lines, last), 1):
        rotated = ROTATED.fullmatch(line)
        if rotated:
            name = rotated["name"].decode()
            found[name] = max(int(rotated["version"]), found.get(name, 1))
        elif number <= len(lines) and line:
            raise BeastError(
                f"line {number} of the versions of secrets is damaged",
                subject=str(path),
                hint="Correct it: owner/name, a space, the version.",
            )
    return found


def rotate(folder: Path, name: str) -> int:
    """Let the secret *name* (`owner/name`) have a new version from now on, and return it.

    Nothing takes that back; files change when they are handed over the next time.

    Raises:
        BeastError: If the versions are damaged.
    """
    version = versions(folder).get(name, 1) + 1
    path = folder / VERSIONS
    whole, _, torn = (path.read_bytes() if path.exists() else b"").rpartition(b"\n")
    kept = [whole] if whole else []
    if ROTATED.fullmatch(torn):
        kept.append(torn)  # it counts, so it stays
    lines = [*kept, f"{name} {version}".encode()]
    write_atomically(path, b"\n".join(lines) + b"\n")
    return version


def value(folder: Path, name: str, version: int) -> str:
    """Return the derived secret *name* (`owner/name`) of the installation in its *version*.

    Raises:
        BeastError: If there is no master key, or it is damaged.
    """
    path = folder / MASTER
    if not path.exists():
        raise BeastError("there is no master key yet", subject=str(path), hint=DEPLOY)
    owner, _, own = name.partition("/")
    return derive(_master(folder), owner, own, version)


def keep_given(folder: Path, name: str, value: str) -> None:
    """Keep *value* as the secret *name* (`owner/name`) that somebody gives.

    Raises:
        SettingsError: If it is empty, or more than one line.
    """
    if not value.strip() or "\n" in value:
        raise SettingsError("a secret is one line that is not empty", subject=name)
    owner, _, own = name.partition("/")
    for each in (folder, folder / GIVEN, folder / GIVEN / owner):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(folder / GIVEN / owner / own, value.encode())


def hand_over(
    folder: Path,
    handovers: Iterable[Handover],
    *,
    filled: Iterable[FilledFile] = (),
    owners: Mapping[str, Owner] | None = None,
    given: Collection[str] = (),
) -> None:
    """Give each reader its secrets as files below *folder*, making the master key if needed.

    Files that hold the right value already are left alone.

    Args:
        folder: Where the master key and a folder for each reader lie.
        handovers: Which secrets each reader gets.
        filled: Files made of secrets that their reader gets.
        owners: Who owns the files of a reader, where that is not us.
        given: Secrets, as `owner/name`, that are not derived but were put here by somebody.

    Raises:
        BeastError: If the master key is damaged, or missing although secrets were made from it.
        SettingsError: If a given secret is not there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = tuple(handovers)
    master = _master(folder)
    known = versions(folder)
    values: dict[str, dict[str, str]] = {}
    for item in wanted:
        name = f"{item.owner}/{item.name}"
        if name in given:
            value = _given(folder / GIVEN / name, name)
        else:
            value = derive(master, item.owner, item.name, known.get(name, 1))
        values.setdefault(item.reader, {})[item.file] = value
    texts = {reader: dict(files) for reader, files in values.items()}
    for each in filled:
        salted = partial(derive, master, each.reader, version=1)
        text = fill(each.text, values.get(each.reader, {}), salted)
        texts.setdefault(each.reader, {})[each.file] = text
    for reader, files in texts.items():
        _give(folder / reader, files, (owners or {}).get(reader))


def _given(path: Path, name: str) -> str:
    try:
        return read_secret(path)
    except BeastError as missing:
        raise SettingsError(
            "a secret that only you know is not set",
            subject=name,
            hint=f"Run: ./beast secrets.set {name}",
        ) from missing


def _give(folder: Path, files: Mapping[str, str], owner: Owner | None) -> None:
    """Write what is not right yet; only root can, and must, give files to another user."""
    owner = owner if os.geteuid() == 0 else None
    folder.mkdir(mode=0o700, exist_ok=True)
    if owner is not None:
        os.chown(folder, *owner)
    for name, text in files.items():
        if not _holds(folder / name, text.encode(), owner):
            write_atomically(folder / name, text.encode(), owner=owner)


def missing(
    folder: Path, handovers: Iterable[Handover], *, filled: Iterable[FilledFile] = ()
) -> bool:
    """Return whether some reader lacks one of its files."""
    wanted = [(item.reader, item.file) for item in handovers]
    wanted += [(item.reader, item.file) for item in filled]
    return any(not (folder / reader / file).is_file() for reader, file in wanted)


def _holds(path: Path, value: bytes, owner: Owner | None) -> bool:
    try:
        found = path.stat()
        rightful = owner is None or owner == (found.st_uid, found.st_gid)
        return rightful and path.read_bytes() == value and found.st_mode & 0o777 == PRIVATE
    except (FileNotFoundError, PermissionError):
        return False


def _master(folder: Path) -> bytes:
    path = folder / MASTER
    try:
        master = path.read_bytes()
    except FileNotFoundError:
        made = (child for child in folder.iterdir() if child.name != GIVEN)
        if any(child.is_dir() or child.name == VERSIONS for child in made):
            raise BeastError(
                "the master key is gone while secrets made from it are still here",
                subject=str(path),
                hint="Put the key back from your copy; or remove the folder to start with new "
                "secrets, which makes keys that encrypt data unreadable.",
            ) from None
        master = secrets.token_bytes(MASTER_BYTES)
        write_atomically(path, master)
    if len(master) != MASTER_BYTES:
        raise BeastError(
            f"the master key has {len(master)} bytes instead of {MASTER_BYTES}",
            subject=str(path),
            hint="Put the key back from your copy.",
        )
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return master


def read_secret(path: Path) -> str:
    """Return the secret in the file at *path*.

    Raises:
        BeastError: If it is missing, unreadable or empty.
    """
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as failed:
        raise BeastError(
            f"cannot read a secret: {failed.strerror}",
            subject=os.fspath(path),
            hint=DEPLOY,
        ) from failed
    except UnicodeDecodeError:
        raise BeastError(
            "a secret is no text", subject=os.fspath(path), hint=DEPLOY
        ) from None  # the cause would show it
    if not value:
        raise BeastError("a secret is empty", subject=os.fspath(path), hint=DEPLOY)
    return value


def read_pair(folder: Path, everything: str, less: str) -> tuple[bytes, bytes]:
    """Return the two secrets in *folder* that open a service, as they come over the wire.

    Args:
        folder: The secrets of the service.
        everything: Name of the file whose secret opens all.
        less: Name of the file whose secret opens a part.

    Raises:
        SettingsError: If one is missing, unreadable or empty, or if both are the same, so that
            who may do a part could do everything.
    """
    try:
        first, second = (read_secret(folder / name).encode() for name in (everything, less))
    except BeastError as wrong:
        raise SettingsError(str(wrong), subject=wrong.subject, hint=wrong.hint) from wrong
    if first == second:
        raise SettingsError(f"{everything} and {less} are the same", subject=str(folder))
    return first, second
