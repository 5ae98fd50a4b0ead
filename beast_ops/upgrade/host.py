# SPDX-License-Identifier: Apache-2.0
"""One step of an upgrade on its host, where failing costs nothing but time.

What the release needs is fetched while the old one runs. Then everything that could write stops,
a backup is made, and restored beside: the new version runs on that copy, and takes nothing from
anybody. If it does not prove itself, the release before is put back in force with its own data,
which nobody touched.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from beast_ops import closed, receipts
from beast_ops.backup import aside, contents, generations, make, reship, shelf
from beast_ops.backup.extract import wipe
from beast_ops.backup.plan import items
from beast_ops.backup.restore import settle_data
from beast_ops.backup.stage import STORES, Opening, fill, unpack
from beast_ops.cards import Services
from beast_ops.errors import BeastError, CommandError
from beast_ops.evals import after_upgrade
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.release import adoption
from beast_ops.release.apply import apply
from beast_ops.release.force import put_in_force, start_again
from beast_ops.release.hands import WAIT_SECONDS, Aim, Hands, Outcome
from beast_ops.release.land import Shipment, land, prune, record_of
from beast_ops.release.observe import current_release, observe
from beast_ops.runtime import of

from . import ballast, course, loss
from .course import BACKUP, COPY, FETCH, OPERATION, SWITCH, Course

UNFINISHED = "what was interrupted before"


def step(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    """Do the step that *shipment* is.

    Raises:
        BusyError: If another operation holds the installation.
        CommandError: If it did not prove itself; images and data are as before.
        BeastError: If the backup could not be made or restored; what ran runs again.
    """
    if current_release(place) is None:
        return apply(place, shipment, hands)
    with lease(place.run, OPERATION, wait=WAIT_SECONDS, clock=hands.clock):
        hands.settle(place)
        _stand(place, hands)
        return _Step(place, shipment, after_upgrade.guarded(place, hands)).take()


def settle(place: Place) -> None:
    """End what others left half done, for whoever holds the installation now."""
    adoption.settle(place)
    if course.settle(place):
        with suppress(BeastError):  # whoever runs something aside next removes it, too
            aside.sweep(place)
    ballast.drop(place)
    generations.sweep(place)
    generations.prune(place)


def _stand(place: Place, hands: Hands) -> None:
    """Have what is in force run, and be proven; else the last that was is in force again."""
    seen = observe(place)
    if seen.settled or seen.release is None:
        return
    if receipts.is_proven(place.receipts, seen.release):
        with suppress(BeastError, OSError):  # it may be just what the upgrade is to mend
            start_again(place, hands)
        return
    back = _Back(place, hands, seen.generation)
    put_in_force(place, seen.release, hands, back.aim({"step": UNFINISHED}))


class _Back:
    """The way back from a generation of data that did not hold."""

    def __init__(self, place: Place, hands: Hands, generation: str) -> None:
        self.place, self.hands, self.generation = place, hands, generation
        self.lost, self.gone = "", False

    def aim(self, details: Mapping[str, Any]) -> Aim:
        """Return what a release on it is put in force for."""
        failing = {"failed_at": SWITCH}
        return Aim(OPERATION, details, failing, shut=True, leave=self.leave, back=self.clear)

    def leave(self) -> Mapping[str, Any]:
        """End what runs on it, and say what it was given that the data before do not have."""
        self.gone = True
        with suppress(BeastError, OSError):
            self.hands.stop(self.place)
        self.lost = loss.since(self.place, self.generation)
        return {"lost": self.lost}

    def clear(self) -> None:
        """Make room: what comes back may find none."""
        ballast.drop(self.place)
        generations.prune(self.place)


class _Step:
    """One step of an upgrade."""

    def __init__(self, place: Place, shipment: Shipment, hands: Hands) -> None:
        self.place, self.shipment, self.hands = place, shipment, hands
        self.before = current_release(place)
        self.course = Course(place, shipment.upgrade, self.before, hands.clock)
        self.course.details |= shipment.known

    def take(self) -> Outcome:
        """Do it, or leave everything as it was."""
        place, hands = self.place, self.hands
        try:
            with self.course:
                with receipts.recording(
                    place.receipts, OPERATION, hands.clock, failures=True
                ) as kept:
                    kept.details, kept.previous = self.course.details, self.before
                    self._fetch()
                    release, generation = self._copied()
                return self._switch(release, generation)
        finally:
            ballast.drop(place)
            generations.prune(place)
            course.clear(place, self.course.tried, self.before)
            prune(place)

    def _fetch(self) -> None:
        """Get what the release needs while the one before runs."""
        self.course.reach(FETCH)
        release = land(self.place, self.shipment)
        self.course.land(release)
        self.hands.prepare(self.place, release)
        ballast.take(self.place)

    def _copied(self) -> tuple[str, str]:
        """Back up, and restore beside; what ran runs again if it fails.

        Returns:
            The release that landed on it, and the generation of data that it made.
        """
        folder = self.place.data / f"{generations.STAGED}copy"
        try:
            return self._copy(folder)
        except BaseException as failed:
            wipe(folder)  # first, for it may have taken all the room there is
            self._wake(failed)
            raise
        finally:
            wipe(folder)

    def _copy(self, folder: Path) -> tuple[str, str]:
        """Do what `_copied` does, with what is restored in *folder* until it is whole."""
        place = self.place
        now = contents.in_force(place)
        packed = reship.read(place.releases / now.name, place.config)
        self.course.reach(BACKUP)
        quiet(place, packed.services)
        made = make.make_held(place, make.Options(), self.hands.clock)
        self.course.details["backup"] = made.name
        self.course.reach(COPY)
        quiet(place, packed.services, stores=True)
        wanted = [
            (item.service, item.path)
            for item in items(packed.services)
            if item.state.how != "models"
        ]
        stage = unpack(Opening(shelf.find(shelf.folder(place), made.name)), folder, wanted)
        checks = fill(stage, place, place.releases / now.name, packed)
        self.course.details["restored"] = checks
        closed.close(stage.data)
        generation = settle_data(place, stage, packed)
        release = land(place, moved(self.shipment, generation))
        self.course.land(release)
        self.course.reach(SWITCH)
        return release, generation

    def _wake(self, failed: BaseException) -> None:
        """Start what ran before.

        Raises:
            CommandError: If it does not start; *failed* is told, too.
        """
        ballast.drop(self.place)
        try:
            start_again(self.place, self.hands)
        except (BeastError, OSError) as silent:
            why = failed.paragraph() if isinstance(failed, BeastError) else f"{failed}."
            raise CommandError(
                f"{why} What ran before does not start again: {silent}",
                subject=str(self.place.root),
                hint="When that is mended, run: ./beast start",
            ) from failed

    def _switch(self, release: str, generation: str) -> Outcome:
        """Put *release* in force on the data of *generation*."""
        details = {k: v for k, v in self.course.details.items() if k != "failed_at"}
        back = _Back(self.place, self.hands, generation)
        try:
            return put_in_force(self.place, release, self.hands, back.aim(details))
        except CommandError as failed:
            if not back.gone:  # it never began, so nobody put anything back
                self._wake(failed)
            more = f" Written meanwhile, and gone: {back.lost}." if back.lost else ""
            raise CommandError(
                f"{self.shipment.upgrade}: {str(failed).rstrip('.')}",
                subject=failed.subject,
                hint=f"Its data are those of before.{more} {failed.hint}",
            ) from failed


def quiet(place: Place, services: Services, *, stores: bool = False) -> None:
    """Stop everything but the stores a backup must ask, or these as well: nobody writes then."""
    runtime = of(place)
    spared = {each.name for each in services for state in each.state if state.how == STORES}
    for service in reversed(tuple(services)):
        if (service.name in spared) == stores and (service.contained or service.process):
            runtime.stop(place, service.name)


def moved(shipment: Shipment, generation: str) -> Shipment:
    """Return *shipment* for the data of *generation*."""
    packed = reship.Packed(record=record_of(shipment), files=shipment.files, config=shipment.config)
    return reship.ship(packed, generation, versions=shipment.versions)
