# SPDX-License-Identifier: Apache-2.0
"""Receipts: what was done, when, and whether it was proven to work."""

import json
import os
import pwd
import re
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from .clock import SYSTEM, Clock, stamp
from .errors import BeastError
from .files import write_atomically
from .settings import Strict

VERSION = 1
KEPT = 200
BORN = "born"
STAMP = re.compile(r"\d{8}T\d{6}\.\d{6}Z")

# What puts releases in force; other receipts say nothing of whether one works.
JUDGES = frozenset({"deploy", "restore", "rollback", "upgrade"})

Outcome = Literal["proven", "failed", "rolled back", "done"]


class Receipt(Strict):
    """The record of one finished operation; never holds a secret.

    Attributes:
        operation: What was done, such as `deploy`, `backup`, `drill`.
        outcome: How it ended.
        release: The release it was done with or to; empty if there was none.
        content: The hash over that release.
        previous: The release in force before.
        started: When it began, as ISO 8601 in UTC.
        finished: When it ended.
        seconds: How long it took.
        changed: What it changed, such as names of services.
        checks: What was looked at, and how that was.
        message: Why it failed, or what else is to be said.
        who: Who did it, as `user@host`.
        versions: The image of each service it concerned, by name.
        details: Figures that only this kind of operation has.
    """

    version: int = VERSION
    operation: str
    outcome: Outcome
    release: str
    content: str
    previous: str | None
    started: str
    finished: str
    seconds: float
    changed: tuple[str, ...]
    checks: tuple[dict[str, Any], ...]
    message: str = ""
    who: str = ""
    versions: dict[str, str] = {}
    details: dict[str, Any] = {}


def author() -> str:
    """Return who does something here and now, as `user@host`."""
    try:
        user = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number nobody gave a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def write(folder: Path, receipt: Receipt, clock: Clock = SYSTEM) -> Path:
    """Store *receipt* below *folder* under a name that sorts by time and never collides."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{_after_all(folder, clock.now())}-{receipt.operation}.json"
    text = json.dumps(receipt.model_dump(mode="json"), indent=2, ensure_ascii=False)
    write_atomically(target, f"{text}\n".encode())
    return target


@dataclass(slots=True)
class Recording:
    """An operation under way, of which a receipt is written when it ends; see `Receipt`."""

    operation: str
    release: str = ""
    content: str = ""
    previous: str | None = None
    outcome: Outcome = "done"
    changed: tuple[str, ...] = ()
    checks: tuple[dict[str, Any], ...] = ()
    message: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


@contextmanager
def recording(
    folder: Path, operation: str, clock: Clock = SYSTEM, *, failures: bool = False
) -> Iterator[Recording]:
    """Write a receipt below *folder* when what follows ends, however it ends.

    Args:
        folder: Where receipts lie.
        operation: What is done.
        clock: Where time comes from.
        failures: Only if it fails; somebody else writes the other.
    """
    started, begun, kept = clock.now(), clock.monotonic(), Recording(operation)
    try:
        yield kept
    except BaseException as failed:
        kept.outcome = "failed" if kept.outcome == "done" else kept.outcome
        kept.message = kept.message or _why(failed)
        with suppress(OSError):  # what failed is what is to be told, not that the disk is full
            _end(folder, kept, started, begun, clock)
        raise
    if not failures:
        _end(folder, kept, started, begun, clock)


def _end(folder: Path, kept: Recording, started: datetime, begun: float, clock: Clock) -> None:
    values = {name: getattr(kept, name) for name in Recording.__slots__}
    receipt = Receipt(
        **values,
        started=started.isoformat(timespec="seconds"),
        finished=clock.now().isoformat(timespec="seconds"),
        seconds=round(clock.monotonic() - begun, 3),
        who=author(),
    )
    write(folder, receipt, clock)


def _why(failed: BaseException) -> str:
    if isinstance(failed, BeastError):
        return failed.paragraph()
    return (
        "interrupted"
        if isinstance(failed, KeyboardInterrupt)
        else f"{type(failed).__name__}: {failed}"
    )


def _after_all(folder: Path, now: datetime) -> str:
    """Return the stamp of *now*, or one just after the newest receipt if the clock went back."""
    stamps = (path.name.partition("-")[0] for path in folder.glob("*.json"))
    newest = max(filter(STAMP.fullmatch, stamps), default="")
    if stamp(now) > newest:
        return stamp(now)
    last = datetime.strptime(newest, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    return stamp(last + timedelta(microseconds=1))


def read_all(folder: Path) -> Iterator[Receipt]:
    """Yield the receipts below *folder*, newest first; files that are none are passed over."""
    return (receipt for _, receipt in named(folder))


def named(folder: Path) -> Iterator[tuple[Path, Receipt]]:
    """Yield what `read_all` does, each with its file."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            yield path, Receipt.model_validate_json(path.read_bytes())
        except (ValidationError, OSError):
            continue


def judgements(folder: Path) -> Iterator[Receipt]:
    """Yield those of `read_all` that say of a release whether it works."""
    return (each for each in read_all(folder) if each.operation in JUDGES and each.release)


def last_successes(folder: Path) -> dict[str, datetime]:
    """Return when each kind of operation last succeeded, by its name."""
    found: dict[str, datetime] = {}
    for receipt in read_all(folder):
        if receipt.outcome in {"proven", "done"}:
            found.setdefault(receipt.operation, datetime.fromisoformat(receipt.finished))
    return found


def milestones(folder: Path) -> dict[str, datetime]:
    """Return what `last_successes` does, and under `BORN` when anything was first done."""
    finished = [datetime.fromisoformat(each.finished) for each in read_all(folder)]
    born = {BORN: min(finished)} if finished else {}
    return {**last_successes(folder), **born}


def newest_proven(folder: Path) -> Iterator[str]:
    """Yield the releases whose last word is that their gate passed, newest word first."""
    judged = set()
    for receipt in judgements(folder):
        if receipt.release not in judged and receipt.outcome == "proven":
            yield receipt.release
        judged.add(receipt.release)


def prune(folder: Path, releases: Collection[str]) -> None:
    """Remove receipts beyond the newest `KEPT`, but for what was last said of *releases*.

    Of each, its newest receipt stays, and the newest that says it is proven. Of every other
    kind of operation, and of each collection it concerned, the newest that succeeded stays, and
    the newest that did not.
    """
    found = sorted(folder.glob("*.json"), reverse=True)
    told: set[tuple[str, ...]] = set()
    for number, path in enumerate(found if len(found) > KEPT else ()):
        try:
            receipt = Receipt.model_validate_json(path.read_bytes())
        except (ValidationError, OSError):
            continue
        words = _words(receipt)
        matters = receipt.operation not in JUDGES or receipt.release in releases
        needed = matters and not words <= told
        told |= words
        if number >= KEPT and not needed:
            path.unlink(missing_ok=True)


def _words(receipt: Receipt) -> set[tuple[str, ...]]:
    """Return what *receipt* says, of which only the newest matters."""
    good = "good" if receipt.outcome in {"proven", "done"} else "bad"
    if receipt.operation in JUDGES:
        return {(receipt.release, "bad"), (receipt.release, good)}
    about = (str(receipt.details.get(name, "")) for name in ("collection", "asked"))
    return {(receipt.operation, good, *about)}


def is_proven(folder: Path, release: str) -> bool:
    """Return whether the last word about *release* is that its gate passed."""
    for receipt in judgements(folder):
        if receipt.release == release:
            return receipt.outcome == "proven"
    return False
