# SPDX-License-Identifier: Apache-2.0
"""The transcript of a task: a line of JSON for each thing that happened, durable before the next.

A line that was torn off by the end of a process is cut off before anything is added; whoever
reads passes over it.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from beast_ops import locks
from beast_ops.errors import BusyError, MissingError, UsageError
from beast_ops.files import sync_folder

ENDING = ".jsonl"
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

Line = Mapping[str, Any]


def folder_in(data: Path) -> Path:
    """Return where transcripts lie in the data generation *data*: beside the jobs."""
    return data / "jobs" / "tasks"


def path_of(folder: Path, task: str) -> Path:
    """Return where the transcript of *task* lies.

    Raises:
        MissingError: If no task can be called so.
    """
    if not _ID.fullmatch(task):
        raise MissingError("there is no such task", subject=task[:80])
    return folder / f"{task}{ENDING}"


class Transcript:
    """One transcript, which nobody else writes meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open the file *path*, which is made for its owner alone, and hold it.

        Raises:
            BusyError: If another process holds it.
            UsageError: If it cannot be written.
        """
        try:
            _require_no_link(path.parent)
            handle = locks.take(path)
        except OSError as wrong:
            why = f"the transcript cannot be written: {wrong.strerror}"
            raise UsageError(
                why, subject=str(path), hint="Run it as whoever owns the data."
            ) from wrong
        if handle is None:
            raise BusyError("this task is under way", subject=path.stem)
        self._file = os.fdopen(handle, "r+b")
        self._give_away(path)
        self.lines, whole = _lines(self._file.read())
        self._file.truncate(whole)
        self._file.seek(whole)
        sync_folder(path.parent)

    def add(self, kind: str, **said: Any) -> None:
        """Note what happened; it outlives whatever comes next."""
        line = {"kind": kind, **said}
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(line)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Let go of the file."""
        self._file.close()

    def _give_away(self, path: Path) -> None:
        """Let whoever the data belong to have what root makes there."""
        owner = path.parent.parent.stat()
        if os.getuid() == 0 and owner.st_uid != 0:
            # The owner may put a link there meanwhile: root would give away what it leads to.
            os.chown(path.parent, owner.st_uid, owner.st_gid, follow_symlinks=False)
            os.fchown(self._file.fileno(), owner.st_uid, owner.st_gid)


def _require_no_link(folder: Path) -> None:
    """Raise `UsageError` if *folder* is a link: whose container owns the data may have made it."""
    if folder.is_symlink():
        raise UsageError(
            "the folder of transcripts is a link", subject=str(folder), hint="Remove the link."
        )


def read(path: Path) -> list[Line]:
    """Return the whole lines of the transcript at *path*.

    Raises:
        MissingError: If there is none.
    """
    try:
        return _lines(path.read_bytes())[0]
    except FileNotFoundError:
        raise MissingError("there is no such task", subject=path.stem) from None


def newest(folder: Path, most: int) -> list[Path]:
    """Return the transcripts in *folder*, the newest first, *most* at most."""
    found = []
    for path in folder.glob(f"*{ENDING}"):
        with suppress(FileNotFoundError):  # another process forgets the oldest, too
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)[:most]]


def forget(folder: Path, most: int) -> None:
    """Remove the oldest transcripts in *folder*, so that *most* are left."""
    for path in newest(folder, sys.maxsize)[most:]:
        path.unlink(missing_ok=True)


def _lines(content: bytes) -> tuple[list[Line], int]:
    """Return what the lines of *content* say, and where the last whole one ends."""
    found: list[Line] = []
    whole = 0
    for row in content.splitlines(keepends=True):
        try:
            said = json.loads(row) if row.endswith(b"\n") else None
        except ValueError:
            said = None
        if not isinstance(said, dict) or "kind" not in said:
            break
        found.append(said)
        whole += len(row)
    return found, whole
