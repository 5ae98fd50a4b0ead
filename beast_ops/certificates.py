# SPDX-License-Identifier: Apache-2.0
"""The local certificate authority: TLS for a private network, without a public domain.

Key and root certificate are state, made once and kept as `<root>/secrets/ca/`; whoever installs
the root trusts what this installation certifies, for ten years. What a service shows is one file
`tls.pem` with key and certificate, so that a renewal is one rename and never leaves the key of
one beside the certificate of another.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from . import certificate_parts as parts
from .cards import Services
from .clock import SYSTEM, Clock
from .errors import BeastError
from .files import PRIVATE, sync_folder, write_atomically
from .place import Place

if TYPE_CHECKING:
    from cryptography import x509

KEY, ROOT, LEAF = "ca.key", "ca.crt", "tls.pem"
FOLDER = "ca"  # below the secrets
RENEW_DAYS = 30
READABLE = 0o644


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate: for which names and addresses, in which folder, and who reads it.

    Attributes:
        names: Host names, names that begin with `*.`, and addresses.
        folder: Where `tls.pem` lies.
        reader: User and group of who reads it; whoever runs this if left out.
    """

    names: tuple[str, ...]
    folder: Path
    reader: tuple[int, int] | None = None


def certify(place: Place, services: Services, clock: Clock = SYSTEM) -> tuple[str, ...]:
    """Make the certificates that *services* want and lack; whoever shows them reads them anew.

    Without anything to do this changes nothing, so it may run every day.

    Returns:
        The names of the services whose certificate changed.

    Raises:
        BeastError: If the authority is damaged: a new one would be trusted by nobody.
    """
    changed = []
    for service, wanted in _wanted(place, services):
        if ensure(place.secrets / FOLDER, wanted, clock):
            changed.append(service)
            for path in (place.root / "live" / service).glob("*.yml"):
                os.utime(path)  # who watches this folder looks at the certificates again, too
    return tuple(changed)


def ensure(authority: Path, wanted: Wanted, clock: Clock = SYSTEM) -> bool:
    """Make the certificate that is *wanted*, if it is missing, wrong or about to end.

    Args:
        authority: The folder of the authority, which is made when it is missing.
        wanted: What is wanted.
        clock: What time it is.

    Returns:
        Whether a certificate was made.

    Raises:
        BeastError: If the authority is damaged: a new one would be trusted by nobody.
    """
    holder = _authority(authority, clock)
    target = wanted.folder / LEAF
    if _serves(target, wanted, holder, clock):
        return _hand_over(target, wanted.reader)
    wanted.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(target, parts.issue(wanted.names, holder, clock.now()), wanted.reader)
    return True


def export_root(authority: Path, target: Path) -> bool:
    """Copy the root certificate to *target*, for all to read, and return whether it changed.

    Raises:
        BeastError: If there is none.
    """
    try:
        content = (authority / ROOT).read_bytes()
    except FileNotFoundError:
        raise _damaged(authority) from None
    if target.is_file() and target.read_bytes() == content:
        return False
    write_atomically(target, content, mode=READABLE)
    return True


def expires(file: Path) -> datetime | None:
    """Return when the certificate in *file* ends, if there is one."""
    certificate = _certificate(file)
    return None if certificate is None else certificate.not_valid_after_utc


def names_of(file: Path) -> tuple[str, ...]:
    """Return the names and addresses that the certificate in *file* is for."""
    certificate = _certificate(file)
    return () if certificate is None else parts.names_in(certificate)


def _wanted(place: Place, services: Services) -> Iterator[tuple[str, Wanted]]:
    """Yield the certificates that *services* want, by the name of their service.

    Each route is named in full: a wildcard directly below `localhost` is refused by browsers.
    """
    domain = services.domain or "localhost"
    hosts = [f"{service.route.host}.{domain}" for service in services if service.route is not None]
    for service in services:
        if service.certificate is not None:
            names = (domain, f"*.{domain}", *hosts, *service.certificate)
            user, _, group = (service.user or "").partition(":")
            reader = (int(user), int(group)) if user and os.geteuid() == 0 else None
            folder = place.secrets / service.name
            yield service.name, Wanted(tuple(dict.fromkeys(names)), folder, reader)


def _authority(folder: Path, clock: Clock) -> parts.Authority:
    if not folder.exists():
        _found(folder, clock)
    try:
        return parts.load((folder / KEY).read_bytes(), (folder / ROOT).read_bytes())
    except (ValueError, TypeError, FileNotFoundError):
        raise _damaged(folder) from None  # the cause could show a part of the key


def _damaged(folder: Path) -> BeastError:
    return BeastError(
        "the local certificate authority is damaged",
        subject=str(folder),
        hint=f"Put {KEY} and {ROOT} back from a backup; or remove the folder to start with a new "
        "authority, whose root everybody must install again.",
    )


def _found(folder: Path, clock: Clock) -> None:
    """Make the authority in one step: a key without its root would be of no use, ever."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, content in zip((KEY, ROOT), parts.found(clock.now()), strict=True):
            write_atomically(made / name, content)
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    sync_folder(folder.parent)


def _serves(file: Path, wanted: Wanted, holder: parts.Authority, clock: Clock) -> bool:
    """Return whether *file* is what is *wanted* for the next `RENEW_DAYS`."""
    certificate = _certificate(file)
    return (
        certificate is not None
        and parts.names_in(certificate) == wanted.names
        and certificate.not_valid_after_utc - clock.now() >= timedelta(days=RENEW_DAYS)
        and parts.issued(certificate, holder)
    )


def _certificate(file: Path) -> "x509.Certificate | None":
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return None


def _write(target: Path, content: bytes, reader: tuple[int, int] | None) -> None:
    """Put *content* at *target*, handed over already, by one rename."""
    made = target.with_name(f".{target.name}")
    write_atomically(made, content)
    _hand_over(made, reader)
    made.replace(target)
    sync_folder(target.parent)


def _hand_over(path: Path, reader: tuple[int, int] | None) -> bool:
    """Give *path* to its *reader* alone, and return whether that changed anything."""
    now = path.stat()
    changed = False
    if reader is not None and (now.st_uid, now.st_gid) != reader:
        os.chown(path, *reader)
        changed = True
    if now.st_mode & 0o777 != PRIVATE:
        path.chmod(PRIVATE)
        changed = True
    return changed
