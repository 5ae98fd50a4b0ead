# SPDX-License-Identifier: Apache-2.0
"""What is written down of operations: one file each, with its output beside it."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from beast_ops import receipts
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BusyError, MissingError
from beast_ops.files import write_atomically
from beast_ops.place import Place
from beast_ops.settings import Strict

KEPT = 50
TAIL_BYTES = 32_768
TAIL_LINES = 200
LINE_CHARACTERS = 2000
LOST = "the agent ended while it ran, and it ended with the agent; see ./beast history"

State = Literal["running", "done", "failed", "interrupted"]


class Operation(Strict):
    """One operation as it stands.

    Attributes:
        id: Its name.
        kind: What is done: `backup`, `verify`, `drill`, `restore`, `restart`.
        name: What it is done with: a backup, or a service.
        state: Where it stands.
        started: When it began, as ISO 8601 in UTC.
        finished: When it ended.
        code: The exit code of its verb.
        error: Why it failed.
        receipt: The receipt it wrote, by its name.
    """

    id: str
    kind: str
    name: str = ""
    state: State = "running"
    started: str
    finished: str | None = None
    code: int | None = None
    error: str = ""
    receipt: str | None = None


class Ledger:
    """The operations of one installation, the newest `KEPT` of them."""

    def __init__(self, place: Place, clock: Clock = SYSTEM) -> None:
        """Write below the logs of *place*."""
        self._place, self._clock = place, clock
        self._folder = place.logs / "operations"

    def output(self, operation: str) -> Path:
        """Return where the output of an operation lies."""
        return self._folder / f"{operation}.log"

    def keep(self, operation: Operation) -> None:
        """Write *operation* down, and forget the oldest beyond `KEPT`.

        Raises:
            OSError: If it cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = operation.model_dump_json(indent=2)
        write_atomically(self._folder / f"{operation.id}.json", f"{text}\n".encode())
        ended = [each for each in self.newest() if each.state != "running"]
        for each in ended[KEPT:]:
            self.forget(each.id)

    def forget(self, operation: str) -> None:
        """Remove what is known of an operation."""
        for suffix in (".json", ".log"):
            (self._folder / f"{operation}{suffix}").unlink(missing_ok=True)

    def newest(self) -> list[Operation]:
        """Return all that are known, the newest first."""
        return sorted(self._read(), key=lambda each: (each.started, each.id), reverse=True)

    def find(self, operation: str) -> Operation:
        """Return the operation called *operation*.

        Raises:
            MissingError: If there is none.
        """
        for each in self._read():
            if each.id == operation:
                return each
        raise MissingError("there is no such operation", subject=operation)

    def end(self, operation: Operation, code: int | None, why: str = "") -> Operation:
        """Write down that *operation* ended, and return it as it then stands.

        Args:
            operation: As it stood while it ran.
            code: The exit code of its verb; `None` if it was ended from outside.
            why: Why it was.

        Raises:
            OSError: If it cannot be written.
        """
        state: State = "interrupted" if code is None else "failed" if code else "done"
        ended = operation.model_copy(
            update={
                "state": state,
                "finished": self._clock.now().isoformat(timespec="milliseconds"),
                "code": code,
                "error": why if code is None else self._complaint(operation, code) if code else "",
                "receipt": self._receipt(operation),
            }
        )
        self.keep(ended)
        return ended

    def interrupted(self) -> list[Operation]:
        """End those that another agent left running; return them.

        Raises:
            OSError: If that cannot be written.
        """
        return [self.end(each, None, LOST) for each in self.newest() if each.state == "running"]

    def _read(self) -> Iterator[Operation]:
        for path in self._folder.glob("*.json"):
            try:
                yield Operation.model_validate_json(path.read_bytes())
            except (ValidationError, OSError):
                continue

    def _complaint(self, operation: Operation, code: int) -> str:
        """Return the last paragraph of an operation that failed."""
        lines = tail(self.output(operation.id))
        said = next((line for line in reversed(lines) if line.strip()), "")
        busy = " (busy)" if code == BusyError.exit_code else ""
        return said.removeprefix("beast: ") or f"it ended with exit code {code}{busy}"

    def _receipt(self, operation: Operation) -> str | None:
        """Return the name of the newest receipt of that kind since *operation* began."""
        since = datetime.fromisoformat(operation.started).replace(
            microsecond=0
        )  # as receipts have it
        for path, receipt in receipts.named(self._place.receipts):
            if datetime.fromisoformat(receipt.finished) < since:
                return None
            if receipt.operation == operation.kind and _about(receipt.details, operation.name):
                return path.stem
        return None


def _about(details: dict[str, Any], name: str) -> bool:
    """Return whether a receipt with *details* can be of an operation on *name*."""
    return name in {"", "newest"} or str(details.get("name", name)) == name


def tail(path: Path) -> list[str]:
    """Return the last lines of the file at *path*; none if it is not there."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line[:LINE_CHARACTERS] for line in text.splitlines()[-TAIL_LINES:]]
