# SPDX-License-Identifier: Apache-2.0
"""Make data of an archive again, in a folder aside, and prove them there.

<stage>/data/<volume>/…        what becomes a generation of data
<stage>/snapshots/<service>/…  what a store is filled from
<stage>/keys/ release/ …       what else the archive holds
<stage>/secrets/ work/         what services need that run on it aside
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops import keys
from beast_ops.cards import Service, Services
from beast_ops.errors import ArchiveError, BeastError, SettingsError
from beast_ops.files import write_atomically
from beast_ops.place import Place
from beast_ops.release.land import give, give_secrets

from . import contents, shelf
from .aside import Ground, running
from .entries import DATA
from .extract import extract
from .locking import LOCKED, unlock
from .plan import Item, read_item
from .reader import ArchiveReader, Summary
from .reship import Packed
from .strategies import Staged, strategy

STORES, SNAPSHOTS = "snapshot_api", "snapshots"
Wanted = Collection[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens an archive.

    Attributes:
        file: Where it lies.
        identity: A file with the private key of age, for one that is encrypted.
        passphrase: Opens a master key that is locked.
        key: A file with the master key, for an archive without it.
    """

    file: Path
    identity: str = ""
    passphrase: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What was made of an archive.

    Attributes:
        folder: Where it lies.
        data: What becomes a generation of data, or is one already.
        summary: What the archive is.
        items: What was chosen of it, as it says, with what a restore must find.
        master: The master key that belongs to it.
    """

    folder: Path
    data: Path
    summary: Summary
    items: tuple[tuple[Item, Mapping[str, Any]], ...]
    master: bytes

    @property
    def secrets(self) -> Path:
        """The secrets of services that run on it aside."""
        return self.folder / "secrets"

    def stores(self, services: Services) -> list[Service]:
        """Return the services that must run to take back what they had."""
        names = {item.service for item, _ in self.items if item.state.how == STORES}
        return [each for each in services if each.name in names]


def header(opening: Opening) -> dict[str, Any]:
    """Return what the archive says of itself; nothing vouches for it yet.

    Raises:
        ArchiveError: If it says nothing.
    """
    with shelf.reading(opening.file, opening.identity) as raw, ArchiveReader(raw) as reader:
        return reader.header()


def unpack(opening: Opening, folder: Path, wanted: Wanted | None = None) -> Stage:
    """Fill the new folder *folder* from an archive, and prove that the archive is whole.

    Args:
        opening: The archive and what opens it.
        folder: It is gone again if anything fails.
        wanted: Service and path of all that is wanted; everything if left out.

    Raises:
        ArchiveError: If the archive is not whole, or the key is another one.
        SettingsError: If there is no key.
    """
    volumes = {path.partition("/")[0] for _, path in wanted or ()}
    services = {service for service, _ in wanted or ()}

    def where(name: str) -> str | None:
        top, _, rest = name.partition("/")
        first = rest.partition("/")[0]
        kept = {DATA: volumes, SNAPSHOTS: services}.get(top)
        return name if wanted is None or kept is None or first in kept else None

    with shelf.reading(opening.file, opening.identity) as raw:
        summary = extract(raw, folder, where)
    (folder / DATA).mkdir(mode=0o700, exist_ok=True)
    found = tuple(
        (read_item(each), each["facts"])
        for each in summary.proof["items"]
        if wanted is None or (each["service"], each["path"]) in wanted
    )
    master = _master(opening, folder, summary)
    (folder / "keys").mkdir(mode=0o700, exist_ok=True)
    write_atomically(folder / "keys" / keys.MASTER, master)
    return Stage(folder, folder / DATA, summary, found, master)


def _master(opening: Opening, folder: Path, summary: Summary) -> bytes:
    """Return the master key that belongs to an archive.

    Raises:
        ArchiveError: If what was given is another one.
        SettingsError: If it is locked, or not in there, and nothing was given.
    """
    kept = folder / "keys"
    if opening.key:
        master = Path(opening.key).read_bytes()
    elif (kept / keys.MASTER).is_file():
        master = (kept / keys.MASTER).read_bytes()
    elif not (kept / LOCKED).is_file():
        raise SettingsError("this backup was made without the master key", hint="Add: --key FILE")
    elif not opening.passphrase:
        raise SettingsError(
            "the master key in this backup is locked", hint="Add: --passphrase-file FILE"
        )
    else:
        master = unlock((kept / LOCKED).read_bytes(), opening.passphrase)
    if contents.canary(master) != summary.header["key"]:
        raise ArchiveError(
            "this is not the master key of this backup",
            subject=opening.key or opening.file.name,
            hint="Without the right one nothing that is encrypted can be read.",
        )
    return master


def prepare(stage: Stage, packed: Packed) -> None:
    """Make what services need that run on *stage*: secrets, and the folders of their volumes.

    Raises:
        BeastError: If a secret that only the operator knows is not there.
    """
    folder, record = stage.secrets, packed.record
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomically(folder / keys.MASTER, stage.master)
    kept = stage.folder / "keys"
    for name in (keys.VERSIONS, keys.GIVEN):
        if (kept / name).exists():
            (folder / name).symlink_to(kept / name)
    give_secrets(Place(stage.folder), record)
    make_room(stage, stage.stores(packed.services), record.volumes)
    (stage.folder / "work").mkdir(mode=0o700, exist_ok=True)


def make_room(stage: Stage, services: Iterable[Service], owners: Mapping[str, str]) -> None:
    """Make the folders of all volumes of *services*, of which an archive has only some.

    Args:
        stage: Where they are missing.
        services: What is about to run there.
        owners: Whose each volume is, as `uid:gid`; empty for our own user.
    """
    for service in services:
        for volume in service.volumes:
            path = stage.data / volume
            path.mkdir(mode=0o700, exist_ok=True)
            give(path, owners.get(volume, ""))


def ground(stage: Stage, place: Place, release: Path, services: Services) -> Ground:
    """Return what services of *release* run on, aside."""
    work = stage.folder / "work"
    return Ground(place, release, services, stage.data, stage.secrets, work)


def fill(stage: Stage, place: Place, release: Path, packed: Packed) -> list[dict[str, Any]]:
    """Bring everything back that needs its service running; judge all, and return the checks.

    Raises:
        ArchiveError: If something is not as it was.
    """
    prepare(stage, packed)
    stores = stage.stores(packed.services)
    with running(ground(stage, place, release, packed.services), stores) as addresses:
        staged = Staged(stage.data, stage.folder, stage.secrets, addresses)
        for item, facts in stage.items:
            strategy(item).bring(item, staged, facts)
        checks = [_check(item, facts, staged) for item, facts in stage.items]
    bad = [each["message"] for each in checks if each["status"] != "healthy"]
    if bad:
        raise ArchiveError(
            f"what was restored is not what was kept: {'; '.join(bad)}",
            subject=str(stage.summary.header["name"]),
            hint="Nothing that runs was changed. Take another one. See: ./beast backups",
        )
    return checks


def _check(item: Item, facts: Mapping[str, Any], staged: Staged) -> dict[str, Any]:
    try:
        wrong = strategy(item).judge(item, staged, facts)
    except BeastError as failed:
        wrong = failed.paragraph()
    status = "unhealthy" if wrong else "healthy"
    return {"name": f"{item.service}: {item.path}", "status": status, "message": wrong or "as kept"}
