# SPDX-License-Identifier: Apache-2.0
"""Print how backups are made, listed and verified."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beast_ops.errors import SettingsError, UsageError
from beast_ops.place import Place

from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.backup.make import Made, Options
    from beast_ops.backup.reader import Summary

MEGA = 1_000_000
UNBOUNDED = 1 << 62
UNBOUNDED_DAYS = 365 * 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `./beast backup`; see there."""

    recipients: tuple[str, ...] = ()
    store: str = ""
    passphrase_file: str = ""
    without_key: bool = False
    all_models: bool = False
    days: int = 0
    count: int = 0


def backup(place: Place, asked: Asked, *, json: bool) -> int:
    """Make a backup, thin out older ones if asked to, and say how it went; return 0.

    Raises:
        UsageError: If the options contradict each other.
    """
    from beast_ops.backup import make, shelf
    from beast_ops.clock import SYSTEM
    from beast_ops.events.host import telling

    options = _options(place, asked)
    with telling(place, "backup") as told:
        made = make.make(place.require_deployed(), options)
        told["backup"] = made.name
    gone: list[str] = []
    if asked.days or asked.count:
        days, count = asked.days or UNBOUNDED_DAYS, asked.count or UNBOUNDED
        gone = shelf.thin_out(place, SYSTEM.now(), days, count)
    _tell(made, asked.store, gone, json=json)
    return 0


def _options(place: Place, asked: Asked) -> "Options":
    from beast_ops.backup import make, shelf
    from beast_ops.backup.targets import Target

    if asked.store and asked.recipients:
        raise UsageError("a store encrypts by itself", subject="--recipient")
    if asked.without_key and asked.passphrase_file:
        raise UsageError("there is no key to lock then", subject="--passphrase-file")
    return make.Options(
        target=Target(shelf.folder(place), asked.recipients, asked.store),
        passphrase=first_line(asked.passphrase_file),
        keyless=asked.without_key,
        model_bytes=UNBOUNDED if asked.all_models else make.MODEL_BYTES,
    )


def _tell(made: "Made", store: str, gone: list[str], *, json: bool) -> None:
    if json:
        emit(
            {
                "name": made.name,
                "file": str(made.file) if made.file else None,
                "bytes": made.size,
                "kept_bytes": made.kept,
                "seconds": round(made.seconds, 3),
                "complete": not made.missing,
                "missing": list(made.missing),
                "left_out": list(made.left_out),
                "removed": gone,
            }
        )
        return
    where = str(made.file) if made.file else f"{made.name} in {store}"
    line(f"{where}: {_size(made.size or made.kept)} of {_size(made.kept)}, {made.seconds:.1f} s")
    for each in made.left_out:
        line(f"Left out: {each}")
    for each in made.missing:
        line(f"Not complete, it lacks {each}.")
    if gone:
        line(f"Removed: {', '.join(gone)}")


def listed(place: Place, *, json: bool) -> None:
    """Print one line per backup."""
    from dataclasses import asdict

    from beast_ops.backup import shelf

    found = shelf.listed(place)
    if json:
        emit(
            {
                "root": str(place.root),
                "backups": [
                    {**asdict(each), "file": str(each.file), "made": each.made.isoformat()}
                    for each in found
                ],
            }
        )
        return
    said = {"drill": "restored in a drill", "restore": "restored", "verify": "verified", "": ""}
    for each in found:
        line(f"{each.name}  {_size(each.size):>10}  {said[each.proven]}".rstrip())
    if not found:
        line("There is no backup yet. Make one: ./beast backup")


def verify(place: Place, name: str, identity: str, *, json: bool) -> None:
    """Read a whole backup and say what it is.

    Raises:
        ArchiveError: If it is not whole.
        MissingError: If there is none of that name.
    """
    from beast_ops import receipts
    from beast_ops.backup import names, shelf
    from beast_ops.events.host import telling

    path = shelf.named(place, name)
    base = names.base(path.name)
    with telling(place, "verify", backup=base):
        if place.receipts.is_dir():
            with receipts.recording(place.receipts, "verify") as kept:
                kept.details = {"name": base}
                found = shelf.prove(path, identity)
        else:
            found = shelf.prove(path, identity)
    show(path, found, json=json)


def show(path: Path, found: "Summary", *, json: bool) -> None:
    """Print what a whole archive is."""
    said = found.header
    if json:
        emit(
            {
                "file": str(path),
                "whole": True,
                "entries": found.entries,
                "bytes": found.size,
                "header": said,
            }
        )
        return
    line(f"{path}: whole, {found.entries} entries, {_size(found.size)}")
    line(f"Made {said['created']} on {said['host']} of {said['root']} ({said['runtime']}).")
    for each in said["missing"]:
        line(f"Not complete, it lacks {each}.")


def first_line(path: str) -> str:
    """Return the first line of the file at *path*; nothing if there is no path.

    Raises:
        SettingsError: If it cannot be read, or is empty.
    """
    if not path:
        return ""
    try:
        found = Path(path).read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as failed:
        raise SettingsError("cannot read the passphrase", subject=path) from failed
    if not found:
        raise SettingsError("the first line is empty", subject=path)
    return found


def _size(count: int) -> str:
    return f"{count / MEGA:.1f} MB"
