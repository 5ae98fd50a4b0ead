# SPDX-License-Identifier: Apache-2.0
"""Put a release in force on its host, prove it, and come back if it does not hold."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beast_ops import receipts
from beast_ops.cards import read_services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, CommandError
from beast_ops.health.model import Report
from beast_ops.lease import lease
from beast_ops.place import Place

from . import adoption
from .environment import COMPLETE
from .land import Shipment, land, make_current, prune, withdraw
from .observe import current_release, is_intact, observe, read_record

GATE_SECONDS = 90.0  # a cold start of the slowest service took 8 s on two busy cores
GATE_PAUSE_SECONDS = 0.25
WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Hands:
    """What acts on the host.

    Attributes:
        prepare: Gets ready what a release needs, and has it judged, before anything stops.
        start: Makes the runtime run what the release in force describes; returns what it started.
        stop: Ends everything.
        gate: Judges the services.
        exposed: Says which ports are open to other hosts although nothing declares them.
        boot: Has the stack start with the machine, or not; returns a note for the operator.
        clock: Where time comes from.
        supply: Has the models there that the release in force names.
    """

    prepare: Callable[[Place, str], None]
    start: Callable[[Place], set[str]]
    stop: Callable[[Place], None]
    gate: Callable[[Place], Report]
    exposed: Callable[[Place], list[str]]
    boot: Callable[[Place, bool], str]
    clock: Clock = SYSTEM
    supply: Callable[[Place], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What putting a release in force came to."""

    release: str
    changed: tuple[str, ...]
    seconds: float
    already: bool = False
    note: str = ""
    checks: tuple[dict[str, Any], ...] = ()


def apply(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    """Make *shipment* the proven release in force at *place*.

    Raises:
        BusyError: If another operation holds the installation for longer than a minute.
        CommandError: If the release did not start or did not prove itself; the last proven
            release is in force again, or nothing if there was none.
    """
    with lease(place.run, "deploy", wait=WAIT_SECONDS, clock=hands.clock):
        adoption.settle(place)
        seen = observe(place)
        if seen.settled and seen.content == shipment.content:
            return Outcome(seen.release or "", (), 0.0, already=True)
        return _apply(place, shipment, hands)


def _apply(place: Place, shipment: Shipment, hands: Hands) -> Outcome:
    release = land(place, shipment)
    done = put_in_force(place, release, hands, "deploy", shipment.known)
    notes = (_boot(place, shipment, hands), _left_over(place))
    return replace(done, note=" ".join(filter(None, notes)))


def put_in_force(
    place: Place,
    release: str,
    hands: Hands,
    operation: str,
    details: Mapping[str, Any] | None = None,
) -> Outcome:
    """Make *release*, which has landed, the one in force, and prove it; the lease is held.

    Args:
        place: The installation.
        release: Name of the release.
        hands: What acts on the host.
        operation: What the receipt calls it.
        details: What the receipt says besides.

    Raises:
        CommandError: If it did not prove itself; the last proven one is in force again, or none.
    """
    started, begun = hands.clock.now(), hands.clock.monotonic()
    previous = current_release(place)
    trial = _prepare(place, release, hands)
    end = _UNTOUCHED
    if not trial.failure:
        make_current(place, release)
        trial = _try(place, hands)
        end = _come_back(place, release, hands) if trial.failure else _PROVEN
    seconds, record = hands.clock.monotonic() - begun, read_record(place, release)
    receipt = receipts.Receipt(
        operation=operation,
        outcome=end.word,
        release=release,
        content=record.content if record else "",
        previous=previous,
        started=started.isoformat(timespec="seconds"),
        finished=hands.clock.now().isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        changed=tuple(sorted(trial.changed)),
        checks=trial.checks,
        message=trial.failure,
        who=receipts.author(),
        versions=_versions(place, release),
        details=dict(details or {}),
    )
    receipts.write(place.receipts, receipt, hands.clock)
    if trial.failure:
        raise CommandError(trial.failure.rstrip("."), subject=release, hint=end.hint)
    prune(place)
    return Outcome(release, tuple(sorted(trial.changed)), seconds, checks=trial.checks)


def _versions(place: Place, release: str) -> dict[str, str]:
    """Return the image of each container of *release*."""
    try:
        services = read_services(place.releases / release / "services.json")
    except BeastError:
        return {}
    return {each.name: each.image for each in services if each.image}


@dataclass(frozen=True, slots=True)
class _Trial:
    """What starting and judging a release showed; `failure` is empty if it held."""

    changed: frozenset[str] = frozenset()
    checks: tuple[dict[str, Any], ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _End:
    """How a deploy ended: the word for its receipt, and what the operator reads."""

    word: receipts.Outcome
    hint: str = ""


_PROVEN = _End("proven")
_BACK = _End("rolled back", "The last proven release is in force again. See: ./beast logs")
_STUCK = _End("failed", "The last proven release does not hold either. See: ./beast logs")
_STOPPED = _End("failed", "Nothing is running now, and no data was removed. See: ./beast logs")
_UNTOUCHED = _End("failed", "It was not put in force, and nothing that runs was changed.")


def _prepare(place: Place, release: str, hands: Hands) -> _Trial:
    """Get ready what *release* needs; what runs goes on meanwhile."""
    try:
        hands.prepare(place, release)
    except BeastError as failed:
        return _Trial(failure=failed.paragraph())
    except OSError as failed:
        return _Trial(failure=f"{failed.strerror} ({failed.filename or place.root}).")
    return _Trial()


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


def _try(place: Place, hands: Hands) -> _Trial:
    """Start the release in force, get its models, and judge it."""
    changed: frozenset[str] = frozenset()
    try:
        changed = frozenset(hands.start(place))
        hands.supply(place)
        report = _prove(place, hands)
        exposed = hands.exposed(place) if report.passable else []
    except BeastError as failed:
        return _Trial(changed, failure=failed.paragraph())
    except OSError as failed:  # a full disk, say
        return _Trial(changed, failure=f"{failed.strerror} ({failed.filename or place.root}).")
    checks = tuple(report.as_dict()["checks"])
    failure = "; ".join(exposed) if report.passable else _what_failed(checks)
    return _Trial(changed, checks, failure)


def _boot(place: Place, shipment: Shipment, hands: Hands) -> str:
    """Have the stack start with the machine, or not; a release that is proven stays proven."""
    try:
        return hands.boot(place, shipment.boot)
    except BeastError as failed:
        return failed.paragraph()


def _prove(place: Place, hands: Hands) -> Report:
    """Ask the gate until it passes or time is up; return its last word."""
    deadline = hands.clock.monotonic() + GATE_SECONDS
    while True:
        report = hands.gate(place)
        if report.passable or hands.clock.monotonic() >= deadline:
            return report
        hands.clock.sleep(GATE_PAUSE_SECONDS)


def _what_failed(checks: Iterable[Mapping[str, Any]]) -> str:
    bad = [
        f"{check['name']}: {check['message']}"
        for check in checks
        if check["status"] not in {"healthy", "degraded"}
    ]
    return f"The release did not prove itself: {'; '.join(bad)}"


def _come_back(place: Place, release: str, hands: Hands) -> _End:
    """Put the last proven release back in force; stop everything if that is this one, or none."""
    last = last_proven(place)
    if last is None or last == release:
        with suppress(BeastError, OSError):
            hands.stop(place)
        if last is None:
            withdraw(place)
        return _STOPPED
    make_current(place, last)
    return _STUCK if _try(place, hands).failure else _BACK


def last_proven(place: Place) -> str | None:
    """Return the release whose last word is the newest proof, and that is still whole."""
    for release in receipts.newest_proven(place.receipts):
        if is_whole(place, release):
            return release
    return None


def is_whole(place: Place, release: str) -> bool:
    """Return whether all that *release* consists of is still there, unchanged."""
    record = read_record(place, release)
    if record is None or not (place.venv / record.venv / COMPLETE).exists():
        return False
    return is_intact(place, record)
