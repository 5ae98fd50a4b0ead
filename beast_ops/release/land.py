# SPDX-License-Identifier: Apache-2.0
"""Write a release on its host and make it current; take it back; prune what no one names."""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from itertools import islice
from pathlib import Path, PurePath
from typing import Any

from beast_ops import keys, receipts
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import TransientError
from beast_ops.files import PRIVATE, switch_link, sync_folder, write_atomically
from beast_ops.place import Place
from beast_ops.secret_files import FilledFile
from beast_ops.settings import Strict

from .environment import COMPLETE
from .observe import Record, current_release, fingerprint, is_intact, read_record

KEPT_RELEASES = 5
KEPT_PROVEN = 2  # the one in force, and the one before it
YOUNG_SECONDS = 3600.0
FOLDER_MODE = 0o700
PUBLIC_FOLDER, PUBLIC_FILE = 0o755, 0o644
AGENT = "agent"  # where containers find the socket of the agent on the host


class Shipment(Strict):
    """What the controller sends: a release, ready to be written.

    Attributes:
        content: Hash over all that follows.
        venv: Hash of the stack's environment, which is complete on this host.
        generation: The data generation it uses.
        boot: Whether the stack starts with the machine.
        files: The files of the release folder, by name.
        config: Files below `config/`, by relative path.
        volumes: Folders of the data generation, and who owns them as `uid:gid`, if it is said.
        handovers: Reader, file, owner and name of each secret.
        filled: Reader, file and text of each file of secrets that is filled in here.
        owners: Who owns the secrets of a reader, as `uid:gid`, if it is said.
        given: Secrets that are not derived: somebody puts them here.
        versions: The versions of the secrets it was rendered with.
        upgrade: Which step of an upgrade it is; empty for none.
        made: The version of this program that rendered it.
        acknowledged: The versions whose changes its user has acknowledged.
    """

    content: str
    venv: str
    generation: str
    boot: bool
    files: dict[str, str]
    config: dict[str, str]
    volumes: dict[str, str]
    handovers: tuple[tuple[str, str, str, str], ...]
    filled: tuple[tuple[str, str, str], ...] = ()
    owners: dict[str, str] = {}
    given: tuple[str, ...] = ()
    versions: dict[str, int]
    upgrade: str = ""
    made: str = ""
    acknowledged: tuple[str, ...] = ()

    @property
    def known(self) -> dict[str, Any]:
        """What receipts say of it."""
        return {"acknowledged": list(self.acknowledged)} if self.acknowledged else {}


def land(place: Place, shipment: Shipment) -> str:
    """Write *shipment* below *place* without making it current; return the release's name.

    Raises:
        TransientError: If a secret was rotated since the release was rendered.
        BeastError: If the master key is damaged.
    """
    if keys.versions(place.secrets) != shipment.versions:
        raise TransientError(
            "a secret was rotated while this release was rendered",
            subject=str(place.secrets),
            hint="Type the same command again.",
        )
    for folder in (place.releases, place.config, place.data, place.receipts, place.logs, place.run):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if shipment.owners:
        (place.run / AGENT).mkdir(mode=PUBLIC_FOLDER, exist_ok=True)
    give_secrets(place, shipment)
    for volume, owner in shipment.volumes.items():
        folder = place.data / shipment.generation / volume
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        give(folder, owner)
    _write_config(place.config, shipment.config, public=bool(shipment.owners))
    return _write_release(place, shipment)


def give_secrets(place: Place, named: "Shipment | Record") -> None:
    """Give each reader that *named* names its secrets, in the version they have now."""
    keys.hand_over(
        place.secrets,
        (keys.Handover(*item) for item in named.handovers),
        filled=(FilledFile(*item) for item in named.filled),
        owners={name: pair(owner) for name, owner in named.owners.items()},
        given=named.given,
    )


def pair(owner: str) -> tuple[int, int]:
    """Return the numbers of user and group that *owner* says as `uid:gid`."""
    user, _, group = owner.partition(":")
    return int(user), int(group)


def give(path: Path, owner: str) -> None:
    """Let *path* belong to *owner*, if that is said and we may."""
    if owner and os.geteuid() == 0:
        os.chown(path, *pair(owner))


def _write_config(folder: Path, files: Mapping[str, str], *, public: bool) -> None:
    """Write what is missing; *public* for containers, whose users are others than ours.

    No secret is among it, and nobody gets into the root of the installation.
    """
    for relative, text in files.items():
        target = folder / relative
        if fingerprint(target) != _hash(text):
            target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            write_atomically(target, text.encode(), PUBLIC_FILE if public else PRIVATE)
        if public:
            target.parent.chmod(PUBLIC_FOLDER)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write_release(place: Place, shipment: Shipment) -> str:
    """Write the release folder, or return the name of the current one if it is the same."""
    now = current_release(place)
    record = read_record(place, now) if now else None
    if now and record and record.content == shipment.content and is_intact(place, record):
        return now
    name = f"{_next_number(place)}-{shipment.content}"
    folder = place.releases / name
    staged = place.releases / f".{name}"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=FOLDER_MODE)
    for file, text in shipment.files.items():
        (staged / file).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        write_atomically(staged / file, text.encode())
    record = record_of(shipment, name)
    write_atomically(staged / "release.json", f"{record.model_dump_json(indent=2)}\n".encode())
    (staged / "venv").symlink_to(f"../../venv/{shipment.venv}")
    sync_folder(staged)
    staged.rename(folder)
    sync_folder(place.releases)  # before `current` names it
    return name


def record_of(shipment: Shipment, name: str = "") -> Record:
    """Return what `release.json` of the release *name* says; no files if it did not land yet."""
    files = {f"releases/{name}/{file}": _hash(text) for file, text in shipment.files.items()}
    files |= {f"config/{path}": _hash(text) for path, text in shipment.config.items()}
    return Record(
        content=shipment.content,
        venv=shipment.venv,
        generation=shipment.generation,
        boot=shipment.boot,
        volumes=shipment.volumes,
        handovers=shipment.handovers,
        filled=shipment.filled,
        owners=shipment.owners,
        given=shipment.given,
        made=shipment.made,
        files=files if name else {},
    )


def _number(name: str) -> int:
    found = re.match(r"\d+(?=-)", name)
    return int(found[0]) if found else 0


def _next_number(place: Place) -> int:
    return 1 + max((_number(path.name) for path in place.releases.iterdir()), default=0)


def make_current(place: Place, release: str) -> None:
    """Put *release* in force by one rename."""
    switch_link(place.current, f"releases/{release}")


def withdraw(place: Place) -> None:
    """Leave no release in force."""
    place.current.unlink(missing_ok=True)


def prune(place: Place, clock: Clock = SYSTEM) -> None:
    """Remove releases beyond the newest `KEPT_RELEASES`, and what only they named.

    The one in force stays, and the newest `KEPT_PROVEN` that are proven: one can go back to them.
    """
    now = current_release(place)
    names = sorted(
        (path.name for path in place.releases.iterdir() if _number(path.name)),
        key=_number,
        reverse=True,
    )
    proven = (name for name in receipts.newest_proven(place.receipts) if name in names)
    kept = {*names[:KEPT_RELEASES], *([now] if now else []), *islice(proven, KEPT_PROVEN)}
    for path in place.releases.iterdir():
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
    _prune_venvs(place, kept, clock.now().timestamp() - YOUNG_SECONDS)
    _prune_config(place, kept)
    receipts.prune(place.receipts, kept)


def _prune_venvs(place: Place, releases: set[str], before: float) -> None:
    named: set[str] = set()
    for release in releases:
        record = read_record(place, release)
        if record is None:
            return  # without knowing what it names, nothing is safe to remove
        named.add(record.venv)
    for path in place.venv.glob("*"):
        # One without the mark is being made by someone else, or will be made anew.
        # A young one may be that of a deploy whose release has not landed yet.
        mark = path / COMPLETE
        if path.name not in named and mark.exists() and mark.stat().st_mtime < before:
            shutil.rmtree(path, ignore_errors=True)


def _prune_config(place: Place, releases: set[str]) -> None:
    named: set[str] = set()
    for release in releases:
        record = read_record(place, release)
        if record is None:
            return  # likewise
        named.update(
            "/".join(PurePath(path).parts[1:3])
            for path in record.files
            if path.startswith("config/")
        )
    for folder in place.config.glob("*/*"):
        if "/".join(folder.parts[-2:]) not in named:
            shutil.rmtree(folder, ignore_errors=True)
