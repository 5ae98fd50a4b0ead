# SPDX-License-Identifier: Apache-2.0
"""Receipts: what was done, when, and whether it was proven to work."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from .clock import SYSTEM, Clock, stamp
from .files import write_atomically
from .settings import Strict

VERSION = 1

Outcome = Literal["proven", "failed", "rolled back", "done"]


class Receipt(Strict):
    """The record of one finished operation; never holds a secret."""

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


def write(folder: Path, receipt: Receipt, clock: Clock = SYSTEM) -> Path:
    """Store *receipt* below *folder* under a name that sorts by time and never collides."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{stamp(clock.now())}-{receipt.operation}.json"
    text = json.dumps(receipt.model_dump(mode="json"), indent=2, ensure_ascii=False)
    write_atomically(target, f"{text}\n".encode())
    return target


def read_all(folder: Path) -> Iterator[Receipt]:
    """Yield the receipts below *folder*, newest first; files that are none are passed over."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            yield Receipt.model_validate_json(path.read_bytes())
        except (ValidationError, OSError):
            continue


def is_proven(folder: Path, release: str) -> bool:
    """Return whether the last word about *release* is that its gate passed."""
    for receipt in read_all(folder):
        if receipt.release == release:
            return receipt.outcome == "proven"
    return False
