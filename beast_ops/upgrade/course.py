# SPDX-License-Identifier: Apache-2.0
"""How far a step of an upgrade got, on disk: if it is killed, the next one tells where.

`fetch` what the version needs, `backup`, `copy` the data, `switch` to the version and prove it.
"""

import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from beast_ops import receipts
from beast_ops.clock import SYSTEM, Clock, stamp
from beast_ops.files import write_atomically
from beast_ops.place import Place
from beast_ops.release.observe import current_release

FETCH, BACKUP, COPY, SWITCH = "fetch", "backup", "copy", "switch"
OPERATION = "upgrade"


class Course:
    """A step under way; `details` is what receipts say of it, `tried` the releases it landed."""

    def __init__(
        self, place: Place, step: str, previous: str | None, clock: Clock = SYSTEM
    ) -> None:
        """Begin *step* at *place*, where *previous* is in force."""
        self._file, self._began = _file(place), stamp(clock.now())
        self._previous = previous
        self.details: dict[str, Any] = {"step": step}
        self.tried: list[str] = []

    def reach(self, phase: str) -> None:
        """Say that it fails at *phase* if it fails now."""
        self.details["failed_at"] = phase
        self._write()

    def land(self, release: str) -> None:
        """Say that *release* is there because of it."""
        self.tried.append(release)
        self._write()

    def _write(self) -> None:
        said = {
            "details": self.details,
            "previous": self._previous,
            "began": self._began,
            "tried": self.tried,
        }
        write_atomically(self._file, json.dumps(said).encode())

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Forget it, unless it was interrupted."""
        if kind is None or issubclass(kind, Exception):
            self._file.unlink(missing_ok=True)


def settle(place: Place, clock: Clock = SYSTEM) -> bool:
    """Write the receipt that a step could not write which was killed; return whether one was."""
    path = _file(place)
    try:
        said = json.loads(path.read_bytes())
        told = any(each.name > said["began"] for each in place.receipts.glob(f"*-{OPERATION}.json"))
        if not told:
            fail(place, said["details"], said["previous"], "interrupted", clock)
        clear(place, said["tried"], said["previous"])
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError):  # nothing of ours, or of another version
        pass
    path.unlink(missing_ok=True)
    return True


def clear(place: Place, tried: Iterable[str], previous: str | None) -> None:
    """Remove the releases *tried* that are not in force, nor the one that was before."""
    for name in {*tried} - {previous, current_release(place)}:
        shutil.rmtree(place.releases / name, ignore_errors=True)


def fail(
    place: Place,
    details: dict[str, Any],
    previous: str | None,
    message: str,
    clock: Clock = SYSTEM,
) -> None:
    """Write the receipt of a step that failed with *message* before it could do so itself."""
    now = clock.now().isoformat(timespec="seconds")
    receipt = receipts.Receipt(
        operation=OPERATION,
        outcome="failed",
        release="",
        content="",
        previous=previous,
        started=now,
        finished=now,
        seconds=0.0,
        changed=(),
        checks=(),
        message=message,
        who=receipts.author(),
        details=details,
    )
    with suppress(OSError):  # what failed is what is to be told, not that the disk is full
        receipts.write(place.receipts, receipt, clock)


def _file(place: Place) -> Path:
    return place.run / "upgrade.json"
