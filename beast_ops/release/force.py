# SPDX-License-Identifier: Apache-2.0
"""Put a release in force on its host, prove it, and come back if it does not hold."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from beast_ops import closed, receipts
from beast_ops.cards import read_services
from beast_ops.clock import Clock
from beast_ops.errors import BeastError, CommandError, UnavailableError
from beast_ops.health.model import Report
from beast_ops.place import Place

from .environment import COMPLETE
from .hands import Aim, Hands, Outcome
from .land import make_current, prune, withdraw
from .observe import current_release, is_intact, read_record

GATE_SECONDS = 90.0  # a cold start of the slowest service took 8 s on two busy cores
GATE_PAUSE_SECONDS = 0.25
NO_ROOM = "no room is left on the disk"  # whose victims do not always know it themselves
ROOM_BYTES = 1 << 20
RETURN_PAUSE_SECONDS = 1.0
RETURN_SECONDS = 60.0  # systemd starts an engine that was killed within some seconds


def put_in_force(place: Place, release: str, hands: Hands, aim: Aim) -> Outcome:
    """Make *release*, which has landed, the one in force, and prove it; the lease is held.

    Args:
        place: The installation.
        release: Name of the release.
        hands: What acts on the host.
        aim: What it is done for.

    Raises:
        CommandError: If it did not prove itself; the last proven one is in force again, or none.
    """
    tried = _Try(place, release, hands, aim)
    trial, end = _prepare(place, release, hands), _UNTOUCHED
    if not trial.failure:
        trial = _switch(tried)
        end = _come_back(tried) if trial.failure else _PROVEN
    if trial.failure:
        with suppress(OSError):  # what failed is what is to be told, not that the disk is full
            tried.note(end, trial)
        raise CommandError(trial.failure.rstrip("."), subject=release, hint=end.hint)
    prune(place)
    return Outcome(release, tuple(sorted(trial.changed)), tried.seconds, checks=trial.checks)


@dataclass(frozen=True, slots=True)
class _Trial:
    """What starting and judging a release showed; `failure` is empty if it held."""

    changed: frozenset[str] = frozenset()
    checks: tuple[dict[str, Any], ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _End:
    """How it ended: the word for the receipt, what the operator reads, what else is to be kept."""

    word: receipts.Outcome
    hint: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


_PROVEN = _End("proven")
_BACK = _End("rolled back", "The last proven release is in force again. See: ./beast logs")
_STUCK = _End("failed", "The last proven release does not hold either. See: ./beast logs")
_STOPPED = _End("failed", "Nothing is running now, and no data was removed. See: ./beast logs")
_UNTOUCHED = _End("failed", "It was not put in force, and nothing that runs was changed.")


class _Try:
    """One release being put in force, since when, and instead of which."""

    def __init__(self, place: Place, release: str, hands: Hands, aim: Aim) -> None:
        self.place, self.release, self.hands, self.aim = place, release, hands, aim
        self.previous = current_release(place)
        self._started, self._begun = hands.clock.now(), hands.clock.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self.hands.clock.monotonic() - self._begun

    def note(self, end: _End, trial: _Trial) -> None:
        """Write the receipt."""
        record, clock = read_record(self.place, self.release), self.hands.clock
        more = self.aim.failing if trial.failure else {}
        receipt = receipts.Receipt(
            operation=self.aim.operation,
            outcome=end.word,
            release=self.release,
            content=record.content if record else "",
            previous=self.previous,
            started=self._started.isoformat(timespec="seconds"),
            finished=clock.now().isoformat(timespec="seconds"),
            seconds=round(self.seconds, 3),
            changed=tuple(sorted(trial.changed)),
            checks=trial.checks,
            message=trial.failure,
            who=receipts.author(),
            versions=_versions(self.place, self.release),
            details={**self.aim.details, **more, **end.details},
        )
        receipts.write(self.place.receipts, receipt, clock)


def _versions(place: Place, release: str) -> dict[str, str]:
    """Return the image of each container of *release*."""
    try:
        services = read_services(place.releases / release / "services.json")
    except BeastError:
        return {}
    return {each.name: each.image for each in services if each.image}


def _prepare(place: Place, release: str, hands: Hands) -> _Trial:
    """Get ready what *release* needs; what runs goes on meanwhile."""
    try:
        hands.prepare(place, release)
    except BeastError as failed:
        return _Trial(failure=failed.paragraph())
    except OSError as failed:
        return _Trial(failure=_told(failed, place))
    return _Trial()


def _told(failed: OSError, place: Place) -> str:
    return f"{failed.strerror} ({failed.filename or place.root})."


def _switch(tried: _Try) -> _Trial:
    """Make the release current, have it prove itself, and put that on record."""
    place, hands = tried.place, tried.hands
    trial = _Trial()
    try:
        _exchange(place, tried.previous, tried.release)
        if tried.aim.shut and hands.behind is not None:
            trial = _prove(place, hands, *hands.behind)
        if not trial.failure:
            last = _prove(place, hands, hands.start, hands.gate)
            trial = replace(last, changed=trial.changed | last.changed)
        if not trial.failure:
            closed.reopen(place)
            tried.note(_PROVEN, trial)
    except OSError as failed:  # a full disk, say
        return replace(trial, failure=_told(failed, place))
    if trial.failure and shutil.disk_usage(place.root).free < ROOM_BYTES:
        return replace(trial, failure=f"{trial.failure.rstrip('.')}; {NO_ROOM} ({place.root}).")
    return trial


def _exchange(place: Place, before: str | None, after: str) -> None:
    """Make *after* the release in force; what was revoked stays so, whatever its data say."""
    old, new = (read_record(place, name) if name else None for name in (before, after))
    if old is not None and new is not None and old.generation != new.generation:
        from beast_ops.access.outlast import outlast  # loads what databases need

        outlast(place.data / old.generation, place.data / new.generation)
    make_current(place, after)


def _prove(
    place: Place,
    hands: Hands,
    start: Callable[[Place], set[str]],
    gate: Callable[[Place], Report],
) -> _Trial:
    """Start the release in force, get its models, and judge it."""
    changed: frozenset[str] = frozenset()
    try:
        changed = frozenset(start(place))
        hands.supply(place)
        report = _await(place, gate, hands.clock)
        exposed = hands.exposed(place) if report.passable else []
    except BeastError as failed:
        return _Trial(changed, failure=failed.paragraph())
    except OSError as failed:
        return _Trial(changed, failure=_told(failed, place))
    checks = tuple(report.as_dict()["checks"])
    failure = "; ".join(exposed) if report.passable else _what_failed(checks)
    return _Trial(changed, checks, failure)


def _await(place: Place, gate: Callable[[Place], Report], clock: Clock) -> Report:
    """Ask *gate* until it passes or time is up; return its last word."""
    deadline = clock.monotonic() + GATE_SECONDS
    while True:
        report = gate(place)
        if report.passable or clock.monotonic() >= deadline:
            return report
        clock.sleep(GATE_PAUSE_SECONDS)


def _what_failed(checks: Iterable[Mapping[str, Any]]) -> str:
    bad = [
        f"{check['name']}: {check['message']}"
        for check in checks
        if check["status"] not in {"healthy", "degraded"}
    ]
    return f"The release did not prove itself: {'; '.join(bad)}"


def _come_back(tried: _Try) -> _End:
    """Put the last proven release back in force; stop everything if that is this one, or none."""
    place, hands = tried.place, tried.hands
    last = last_proven(place)
    if last is None or last == tried.release:
        with suppress(BeastError, OSError):
            hands.stop(place)
        if last is None:
            withdraw(place)
        return _STOPPED
    left = tried.aim.leave()
    try:
        _exchange(place, tried.release, last)
        tried.aim.back()
    except OSError as failed:
        return replace(_STUCK, details={**left, "back": _told(failed, place)})
    again = _prove(place, hands, lambda found: start_again(found, hands), hands.gate)
    end = _STUCK if again.failure else _BACK
    return replace(end, details={**left, **({"back": again.failure} if again.failure else {})})


def start_again(place: Place, hands: Hands) -> set[str]:
    """Start what is in force, and wait for what runs it: it may have just been killed.

    Raises:
        BeastError: If it does not start.
    """
    deadline = hands.clock.monotonic() + RETURN_SECONDS
    while True:
        try:
            return hands.start(place)
        except UnavailableError:
            if hands.clock.monotonic() >= deadline:
                raise
            hands.clock.sleep(RETURN_PAUSE_SECONDS)


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
