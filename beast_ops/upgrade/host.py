# SPDX-License-Identifier: Apache-2.0
"""One step of an upgrade on its host, where failing costs nothing but time.

What the release needs is fetched while the old one runs. Then everything that could write stops,
a backup is made, and restored beside: the new version runs on that copy. If it does not prove
itself, the release before is put back in force with its own data, which nobody touched.
"""

from typing import Any

from beast_ops import receipts
from beast_ops.backup import contents, generations, make, reship, shelf
from beast_ops.backup.extract import wipe
from beast_ops.backup.plan import items
from beast_ops.backup.restore import settle_data
from beast_ops.backup.stage import STORES, Opening, Stage, fill, unpack
from beast_ops.backup.strategies import sqlite
from beast_ops.cards import Services
from beast_ops.errors import CommandError
from beast_ops.evals import after_upgrade
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.release import adoption
from beast_ops.release.apply import WAIT_SECONDS, Hands, Outcome, apply, put_in_force
from beast_ops.release.land import Shipment, land, record_of
from beast_ops.release.observe import current_release
from beast_ops.runtime import of


def step(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    """Do the step that *shipment* is.

    Raises:
        BusyError: If another operation holds the installation.
        CommandError: If it did not prove itself; images and data are as before.
        BeastError: If the backup could not be made or restored; what ran runs again.
    """
    if current_release(place) is None:
        return apply(place, shipment, hands)
    with lease(place.run, "upgrade", wait=WAIT_SECONDS, clock=hands.clock):
        adoption.settle(place)
        return _step(place, shipment, hands)


def _step(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    details: dict[str, Any] = {"step": shipment.upgrade, **shipment.known}
    generations.sweep(place)
    before = current_release(place)
    hands = after_upgrade.guarded(place, hands)
    with receipts.recording(place.receipts, "upgrade", hands.clock, failures=True) as kept:
        kept.details, kept.previous = details, before
        fetched = land(place, shipment)  # only to have fetched what it names
        hands.prepare(place, fetched)
        release, stage = _copied(place, shipment, hands, details)
    try:
        return put_in_force(place, release, hands, "upgrade", details)
    except CommandError as failed:
        lost = written_since(place, stage)
        more = f" Written meanwhile, and gone: {lost}." if lost else ""
        raise CommandError(
            f"{shipment.upgrade}: {str(failed).rstrip('.')}",
            subject=failed.subject,
            hint=f"{failed.hint} Its data are those of before.{more}",
        ) from failed
    finally:
        generations.prune(place)


def _copied(
    place: Place, shipment: Shipment, hands: Hands, details: dict[str, Any]
) -> tuple[str, Stage]:
    """Back up, restore beside, and land *shipment* on that; what ran runs again if it fails."""
    folder = place.data / f"{generations.STAGED}{generations.fresh(place)}"
    now = contents.in_force(place)
    packed = reship.read(place.releases / now.name, place.config)
    try:
        quiet(place, packed.services)
        made = make.make_held(place, make.Options(), hands.clock)
        details["backup"] = made.name
        path = shelf.find(shelf.folder(place), made.name)
        wanted = [
            (item.service, item.path)
            for item in items(packed.services)
            if item.state.how != "models"
        ]
        stage = unpack(Opening(path), folder, wanted)
        details["restored"] = fill(stage, place, place.releases / now.name, packed)
        generation = settle_data(place, stage, packed)
        return land(place, moved(shipment, generation)), stage
    except BaseException:
        hands.start(place)
        raise
    finally:
        wipe(folder)


def quiet(place: Place, services: Services) -> None:
    """Stop everything but the stores a backup must ask: nobody writes from now on."""
    runtime = of(place)
    stores = {each.name for each in services for state in each.state if state.how == STORES}
    for service in reversed(tuple(services)):
        if service.name not in stores and (service.contained or service.process):
            runtime.stop(place, service.name)


def moved(shipment: Shipment, generation: str) -> Shipment:
    """Return *shipment* for the data of *generation*."""
    packed = reship.Packed(record=record_of(shipment), files=shipment.files, config=shipment.config)
    return reship.ship(packed, generation, versions=shipment.versions)


def written_since(place: Place, stage: Stage) -> str:
    """Return what the new version wrote that its data before do not have, in a few words."""
    newest = generations.numbers(place)[-1:]
    if not newest:
        return ""
    data = place.data / str(newest[0])
    found = []
    for item, facts in stage.items:
        if item.state.how == "sqlite" and not facts.get("missing"):
            more = sqlite.grown(data / item.path, facts.get("rows", {}))
            found += [f"{count} rows of {table} in {item.path}" for table, count in more.items()]
    return ", ".join(found)
