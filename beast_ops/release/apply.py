# SPDX-License-Identifier: Apache-2.0
"""Put a release in force on its host, prove it, and come back if it does not hold."""

from collections.abc import Callable
from dataclasses import dataclass

from beast_ops import receipts
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, CommandError
from beast_ops.health.model import Report
from beast_ops.lease import lease
from beast_ops.place import Place

from .land import Shipment, land, make_current, prune, withdraw
from .observe import current_release, observe

GATE_SECONDS = 90.0  # a cold start of the slowest service took 8 s on two busy cores
GATE_PAUSE_SECONDS = 0.25
WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Hands:
    """What acts on the host.

    Attributes:
        start: Makes the runtime run what the release in force describes; returns what it started.
        stop: Ends everything.
        gate: Judges the services.
        boot: Has the stack start with the machine, or not; returns a note for the operator.
        clock: Where time comes from.
    """

    start: Callable[[Place], set[str]]
    stop: Callable[[Place], None]
    gate: Callable[[Place], Report]
    boot: Callable[[Place, bool], str]
    clock: Clock = SYSTEM


@dataclass(frozen=True, slots=True)
class Outcome:
    """What putting a release in force came to."""

    release: str
    changed: tuple[str, ...]
    seconds: float
    already: bool = False
    note: str = ""


def apply(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    """Make *shipment* the proven release in force at *place*.

    Raises:
        BusyError: If another operation holds the installation for longer than a minute.
        CommandError: If the release did not start or did not prove itself; the last proven
            release is in force again, or nothing if there was none.
    """
    with lease(place.run, "deploy", wait=WAIT_SECONDS, clock=hands.clock):
        seen = observe(place)
        if seen.settled and seen.content == shipment.content:
            return Outcome(seen.release or "", (), 0.0, already=True)
        return _apply(place, shipment, hands)


def _apply(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    started = hands.clock.now()
    begun = hands.clock.monotonic()
    previous = current_release(place)
    release = land(place, shipment)
    make_current(place, release)
    changed: set[str] = set()
    report: Report | None = None
    failure = ""
    try:
        changed = hands.start(place)
        report = _prove(place, hands)
    except BeastError as failed:
        failure = failed.paragraph()
    seconds = hands.clock.monotonic() - begun
    if not failure and report is not None and not report.exit_code:
        outcome: receipts.Outcome = "proven"
    else:
        failure = failure or _what_failed(report)
        outcome = _come_back(place, previous, release, hands)
    receipts.write(
        place.receipts,
        receipts.Receipt(
            operation="deploy",
            outcome=outcome,
            release=release,
            content=shipment.content,
            previous=previous,
            started=started.isoformat(timespec="seconds"),
            finished=hands.clock.now().isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            changed=tuple(sorted(changed)),
            checks=tuple(report.as_dict()["checks"]) if report else (),
            message=failure,
        ),
        hands.clock,
    )
    if failure:
        raise CommandError(failure.rstrip("."), subject=release, hint=_AFTERWARDS[outcome])
    prune(place)
    note = hands.boot(place, shipment.boot)
    return Outcome(release, tuple(sorted(changed)), seconds, note=note)


_AFTERWARDS: dict[receipts.Outcome, str] = {
    "rolled back": "The last proven release is in force again. See: ./beast logs",
    "failed": "Nothing is running now, and no data was removed. See: ./beast logs",
}


def _prove(place: Place, hands: Hands) -> Report:
    """Ask the gate until it passes or time is up; return its last word."""
    deadline = hands.clock.monotonic() + GATE_SECONDS
    while True:
        report = hands.gate(place)
        if not report.exit_code or hands.clock.monotonic() >= deadline:
            return report
        hands.clock.sleep(GATE_PAUSE_SECONDS)


def _what_failed(report: Report | None) -> str:
    checks = report.as_dict()["checks"] if report else []
    bad = [
        f"{check['name']}: {check['message']}" for check in checks if check["status"] != "healthy"
    ]
    return f"The release did not prove itself: {'; '.join(bad)}"


def _come_back(place: Place, previous: str | None, release: str, hands: Hands) -> receipts.Outcome:
    """Put the last proven release back in force, or stop everything; return which it was."""
    if previous is None or previous == release or not receipts.is_proven(place.receipts, previous):
        hands.stop(place)
        if previous is None:
            withdraw(place)
        return "failed"
    make_current(place, previous)
    try:
        hands.start(place)
        back = _prove(place, hands)
    except BeastError:
        return "failed"
    return "failed" if back.exit_code else "rolled back"
