# SPDX-License-Identifier: Apache-2.0
"""Deploy a release on its host: put what was shipped in force, unless that is so already."""

from dataclasses import replace
from pathlib import Path

from beast_ops.cards import read_services
from beast_ops.errors import BeastError
from beast_ops.lease import lease
from beast_ops.place import Place

from .force import put_in_force
from .hands import WAIT_SECONDS, Aim, Hands, Outcome
from .land import Shipment, land
from .observe import observe


def apply(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    """Make *shipment* the proven release in force at *place*.

    Raises:
        BusyError: If another operation holds the installation for longer than a minute.
        CommandError: If the release did not start or did not prove itself; the last proven
            release is in force again, or nothing if there was none.
    """
    with lease(place.run, "deploy", wait=WAIT_SECONDS, clock=hands.clock):
        hands.settle(place)
        seen = observe(place)
        if seen.settled and seen.content == shipment.content:
            return Outcome(seen.release or "", (), 0.0, already=True)
        return _apply(place, shipment, hands)


def _apply(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    release = land(place, shipment)
    done = put_in_force(place, release, hands, Aim("deploy", shipment.known))
    notes = (_boot(place, shipment, hands), _left_over(place))
    return replace(done, note=" ".join(filter(None, notes)))


def _left_over(place: Place) -> str:
    """Return the sentence that names data of services that are not enabled any more."""
    services = read_services(place.services)
    used = {volume for service in services for volume in service.volumes}
    left = sorted(path.name for path in Path(services.data).glob("[!.]*") if path.name not in used)
    return (
        f"Data of services that are off stays in {services.data}: {', '.join(left)}."
        if left
        else ""
    )


def _boot(place: Place, shipment: Shipment, hands: Hands) -> str:
    """Have the stack start with the machine, or not; a release that is proven stays proven."""
    try:
        return hands.boot(place, shipment.boot)
    except BeastError as failed:
        return failed.paragraph()
