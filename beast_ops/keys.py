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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import BeastError, SettingsError
from .files import write_atomically

MASTER_BYTES = 32  # as long as the digest of the hash function, RFC 5869 section 3.1
SECRET_BYTES = 32  # 256 bits: 43 characters of base64url
SALT = b"ai-beast secrets 1"
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
    path = folder / "versions"
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


def hand_over(folder: Path, handovers: Iterable[Handover]) -> None:
    """Give each reader its secrets as files below *folder*, making the master key if needed.

    Files that hold the right value already are left alone.

    Raises:
        BeastError: If the master key is damaged, or missing although secrets were made from it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = tuple(handovers)
    master = _master(folder)
    known = versions(folder)
    for item in wanted:
        version = known.get(f"{item.owner}/{item.name}", 1)
        value = derive(master, item.owner, item.name, version).encode()
        target = folder / item.reader / item.file
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if not _holds(target, value):
            write_atomically(target, value)


def missing(folder: Path, handovers: Iterable[Handover]) -> bool:
    """Return whether some reader lacks one of its files."""
    return any(not (folder / item.reader / item.file).is_file() for item in handovers)


def _holds(path: Path, value: bytes) -> bool:
    try:
        return path.read_bytes() == value and path.stat().st_mode & 0o777 == 0o600  # noqa: PLR2004 - readable by its owner alone
    except (FileNotFoundError, PermissionError):
        return False


def _master(folder: Path) -> bytes:
    path = folder / "master.key"
    try:
        master = path.read_bytes()
    except FileNotFoundError:
        if any(child.is_dir() or child.name == "versions" for child in folder.iterdir()):
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
            hint="Run: ./beast deploy",
        ) from failed
    except UnicodeDecodeError:
        raise BeastError(
            "a secret is no text", subject=os.fspath(path), hint="Run: ./beast deploy"
        ) from None  # the cause would show it
    if not value:
        raise BeastError("a secret is empty", subject=os.fspath(path), hint="Run: ./beast deploy")
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
