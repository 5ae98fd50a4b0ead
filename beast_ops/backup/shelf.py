# SPDX-License-Identifier: Apache-2.0
"""The backups of an installation that lie as files: found, opened, listed, thinned out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from beast_ops import receipts
from beast_ops.errors import ArchiveError, MissingError
from beast_ops.files import sync_folder
from beast_ops.place import Place

from . import names
from .pipes import decrypted
from .reader import Summary, verify
from .tape import HEAD, TRAILER, damaged

PROOFS = ("drill", "restore", "verify")


@dataclass(frozen=True, slots=True)
class Kept:
    """One backup on the shelf.

    Attributes:
        name: Its name.
        file: Where it lies.
        made: When, in UTC.
        size: Its bytes.
        proven: The strongest thing that was ever proven of it: `drill`, `restore`, `verify`, or
            nothing.
    """

    name: str
    file: Path
    made: datetime
    size: int
    proven: str = ""


def folder(place: Place) -> Path:
    """Return where backups of *place* lie."""
    return place.root / "backups"


def taken(where: Path) -> set[str]:
    """Return the names of all backups that are, or are being made, in *where*."""
    return {
        names.base(path.name.removeprefix(".partial-")) for path in where.glob("*beast_backup_*")
    }


def listed(place: Place) -> list[Kept]:
    """Return the backups of *place*, newest first."""
    proofs = _proofs(place)
    found = []
    for path in folder(place).glob("beast_backup_*"):
        made = names.moment_of(path.name)
        if made is not None and path.name.endswith((names.SUFFIX, names.SECRET_SUFFIX)):
            name = names.base(path.name)
            found.append(Kept(name, path, made, path.stat().st_size, proofs.get(name, "")))
    return sorted(found, key=lambda each: each.name, reverse=True)


def _proofs(place: Place) -> dict[str, str]:
    """Return the strongest proof of each backup that has one, by its name."""
    found: dict[str, str] = {}
    for receipt in receipts.read_all(place.receipts):
        if receipt.operation in PROOFS and receipt.outcome in {"proven", "done"}:
            name = str(receipt.details.get("name", ""))
            best = found.get(name, receipt.operation)
            found[name] = min(best, receipt.operation, key=PROOFS.index)
    return found


def find(where: Path, name: str) -> Path:
    """Return the file of the backup called *name* in *where*.

    Raises:
        MissingError: If there is none.
    """
    for suffix in (names.SUFFIX, names.SECRET_SUFFIX):
        path = where / f"{names.base(name)}{suffix}"
        if path.is_file():
            return path
    known = sorted(path.name for path in where.glob("beast_backup_*"))
    raise MissingError(
        "no such backup",
        subject=f"{where}/{name}",
        hint=f"The newest are: {', '.join(known[-3:]) or 'none'}",
    )


def named(place: Place, name: str) -> Path:
    """Return the file that *name* means: a path, the name of a backup, or `newest`.

    Raises:
        MissingError: If there is none.
    """
    if "/" in name:
        path = Path(name)
        if not path.is_file():
            raise MissingError("no such file", subject=name)
        return path
    if name == "newest":
        found = listed(place)
        if not found:
            raise MissingError(
                "there is no backup yet", subject=str(folder(place)), hint="Run: ./beast backup"
            )
        return found[0].file
    return find(folder(place), name)


@contextmanager
def reading(path: Path, identity: str = "") -> Iterator[IO[bytes]]:
    """Yield what is to be read of the archive at *path*, decrypted with the key file *identity*.

    Raises:
        ArchiveError: If it is encrypted and cannot be opened with that.
        OSError: If it cannot be read.
    """
    if not path.name.endswith(names.SECRET_SUFFIX):
        with path.open("rb", buffering=0) as plain:
            _look_at_end(plain)
            yield plain
        return
    if not identity:
        raise ArchiveError(
            "this backup is encrypted", subject=path.name, hint="Add: --identity FILE"
        )
    with path.open("rb") as raw, decrypted(raw, identity, path.name) as opened:
        yield opened


def _look_at_end(raw: IO[bytes]) -> None:
    """Refuse at once what has no trailer: most of what is broken was cut off."""
    raw.seek(0, 2)
    if raw.tell() < TRAILER:
        raise damaged("its end is missing")
    raw.seek(-TRAILER, 2)
    if not raw.read(len(HEAD)).startswith(HEAD):
        raise damaged("its end is missing")
    raw.seek(0)


def prove(path: Path, identity: str = "") -> Summary:
    """Read the whole archive at *path*; return what it is.

    Raises:
        ArchiveError: If it is not whole.
        OSError: If it cannot be read.
    """
    with reading(path, identity) as raw:
        return verify(raw)


def too_many(found: Sequence[Kept], now: datetime, days: int, count: int) -> list[Kept]:
    """Return those of *found* that may go; pure.

    Args:
        found: All backups, newest first.
        now: What time it is.
        days: Older ones may go.
        count: Of the rest, so many stay.

    Returns:
        The backups to remove. The newest one, and the newest that was proven, stay anyway.
    """
    proven = [each for each in found if each.proven in {"drill", "restore"}] or [
        each for each in found if each.proven
    ]
    stays = {each.name for each in (*found[:1], *proven[:1])}
    oldest = now - timedelta(days=days)
    return [
        each
        for number, each in enumerate(found)
        if each.name not in stays and (each.made < oldest or number >= count)
    ]


def thin_out(place: Place, now: datetime, days: int, count: int) -> list[str]:
    """Remove the backups that `too_many` names; return their names."""
    gone = too_many(listed(place), now, days, count)
    for each in gone:
        each.file.unlink(missing_ok=True)
    if gone:
        sync_folder(folder(place))
    return [each.name for each in gone]
