# SPDX-License-Identifier: Apache-2.0
"""Restore a backup: proven aside first, then put in force by the switch of a release.

Until the switch nothing that runs is touched; if what was restored does not prove itself, the
release before is put back in force, with its own data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from beast_ops import keys, receipts
from beast_ops.cards import read_services
from beast_ops.errors import BeastError, ConflictError
from beast_ops.files import sync_folder
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.release import adoption
from beast_ops.release.force import put_in_force
from beast_ops.release.hands import WAIT_SECONDS, Aim, Hands, Outcome
from beast_ops.release.land import give_secrets, land
from beast_ops.release.observe import current_release, read_record

from . import anew, contents, generations, reship
from .extract import wipe
from .make import versions
from .plan import chosen
from .reship import Packed
from .rules import judge_format, judge_versions
from .stage import STORES, Opening, Stage, fill, header, unpack


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore would do.

    Attributes:
        header: What the archive says of itself.
        service: Only the sets this service keeps something in; all if empty.
        wanted: Service and path of all that is restored.
        carried: Volumes that stay as they are.
        other_key: Whether the secrets of the installation become those of the backup.
        anew: Whether there is no installation yet.
    """

    header: Mapping[str, Any] = field(repr=False)
    service: str
    wanted: tuple[tuple[str, str], ...]
    carried: tuple[str, ...]
    other_key: bool
    anew: bool = False


def plan(place: Place, opening: Opening, service: str = "") -> Plan:
    """Return what restoring an archive into the installation at *place* would do.

    Raises:
        ArchiveError: If it is no archive.
        ConflictError: If what runs there could not read it.
        MissingError: If there is no such service.
    """
    said = header(opening)
    judge_format(said)
    kept = {(each["service"], each["path"]): each["how"] for each in said["items"]}
    if current_release(place) is None:
        return Plan(said, "", tuple(sorted(kept)), (), other_key=False, anew=True)
    services = read_services(place.services)
    _judge_runtime(said, services.runtime, place)
    stores = {each.name for each in services for state in each.state if state.how == STORES}
    judge_versions(said, versions(services), stores)
    wanted = tuple(
        (item.service, item.path)
        for item in chosen(services, service)
        if kept.get((item.service, item.path), "models") != "models"
    )
    filled = {path.partition("/")[0] for _, path in wanted}
    carried = sorted({volume for each in services for volume in each.volumes} - filled)
    other = is_other_key(place, said)
    if other and service:
        raise ConflictError(
            "this backup has another master key, so it can only be restored whole",
            subject=str(said["name"]),
            hint="Leave --service out; all secrets become those of the backup.",
        )
    return Plan(said, service, wanted, tuple(carried), other)


def _judge_runtime(said: Mapping[str, Any], runtime: str, place: Place) -> None:
    if said["runtime"] != runtime:
        raise ConflictError(
            f"this backup is of the runtime {said['runtime']}, and {runtime} is in force",
            subject=str(place.root),
            hint="What you know moves between runtimes by: ./beast export, ./beast import",
        )


def is_other_key(place: Place, said: Mapping[str, Any]) -> bool:
    """Return whether the installation at *place* has another master key than an archive."""
    path = place.secrets / keys.MASTER
    return not path.exists() or contents.canary(path.read_bytes()) != said["key"]


def restore(place: Place, opening: Opening, hands: Hands, service: str = "") -> Outcome:
    """Put the data of an archive in force at *place*.

    Args:
        place: The installation; an empty folder becomes what the archive was made of.
        opening: The archive and what opens it.
        hands: What acts on the host.
        service: Only the sets this service keeps something in; all if empty.

    Raises:
        ArchiveError: If the archive is not whole, or what it holds is not what was kept.
        ConflictError: If what runs could not read it.
        BusyError: If another operation holds the installation.
        CommandError: If it did not prove itself; what ran before runs again, with its data.
    """
    with lease(place.run, "restore", wait=WAIT_SECONDS, clock=hands.clock):
        hands.settle(place)
        return restore_held(place, opening, hands, plan(place, opening, service))


def restore_held(place: Place, opening: Opening, hands: Hands, wanted: Plan) -> Outcome:
    """Do what `restore` does for whoever holds the lease and looked at the plan."""
    details: dict[str, Any] = {"name": wanted.header["name"], "service": wanted.service}
    place.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    generations.sweep(place)
    folder = place.data / f"{generations.STAGED}{generations.fresh(place)}"
    way = anew.prepare if wanted.anew else prepare
    try:
        with receipts.recording(place.receipts, "restore", hands.clock, failures=True) as kept:
            kept.details, kept.previous = details, current_release(place)
            release, details["restored"] = way(place, opening, hands, wanted, folder)
    finally:
        wipe(folder)
    try:
        return _switch(place, release, hands, wanted, details)
    finally:
        generations.prune(place)


def prepare(
    place: Place, opening: Opening, hands: Hands, wanted: Plan, folder: Path
) -> tuple[str, list[dict[str, Any]]]:
    """Fill a new generation of data, and land the release in force once more to run on it.

    Returns:
        The name of that release, and what was looked at.
    """
    now = contents.in_force(place)
    packed = reship.read(place.releases / now.name, place.config)
    stage = unpack(opening, folder, wanted.wanted)
    checks = fill(stage, place, place.releases / now.name, packed)
    generation = settle_data(place, stage, packed)
    if wanted.other_key:
        hands.stop(place)
        adoption.adopt(place, stage.folder / "keys")
    shipment = reship.ship(packed, generation, versions=keys.versions(place.secrets))
    return land(place, shipment), checks


def settle_data(place: Place, stage: Stage, packed: Packed) -> str:
    """Make what was staged a generation of data, all else carried over; return its name."""
    generation = generations.fresh(place)
    there = {path.name for path in stage.data.iterdir()}
    generations.carry(place, packed.record.generation, stage.data, there)
    stage.data.rename(place.data / generation)
    sync_folder(place.data)
    return generation


def _switch(
    place: Place, release: str, hands: Hands, wanted: Plan, details: dict[str, Any]
) -> Outcome:
    """Put *release* in force; if it does not hold, the secrets before hold again, too."""
    try:
        done = put_in_force(place, release, hands, Aim("restore", details))
    except BeastError:
        if adoption.settle(place):
            _wake_again(place, hands)
        raise
    adoption.forget(place)
    undone = _take_back(place, wanted)
    return replace(done, note=f"{done.note} {undone}".strip())


def _wake_again(place: Place, hands: Hands) -> None:
    """Start what runs with the secrets that hold again."""
    name = current_release(place)
    record = read_record(place, name) if name else None
    if record is not None:
        hands.stop(place)
        give_secrets(place, record)
        hands.start(place)


def _take_back(place: Place, wanted: Plan) -> str:
    """Have services take back what they exported; return what is to be said of it."""
    from beast_ops.runtime import of

    names = {service for service, _ in wanted.wanted}
    said = []
    for service in read_services(place.services):
        for state in service.state if service.name in names else ():
            if state.how == "command" and state.undo:
                of(place).execute(place, service.name, state.undo)
                said.append(f"{service.name} took back its export.")
    return " ".join(said)
