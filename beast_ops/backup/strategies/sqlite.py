# SPDX-License-Identifier: Apache-2.0
"""A SQLite database: copied by its own online backup, never as a file.

Held still by the right to write (`BEGIN IMMEDIATE`), which a crash gives back. With a
write-ahead log a reader keeps its moment while others write on, so the copy is made later;
without one the copy is made at once, for a reader would stop writers anyway.
https://www.sqlite.org/backup.html, https://www.sqlite.org/isolation.html
"""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from beast_ops.backup.plan import Item
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.errors import CommandError, TransientError

from . import Source, Staged

BUSY_SECONDS = 30.0
ROOM_BYTES = 1 << 20  # what a write-ahead log and its index begin with, and a little more
DATA = "data"


class HeldDatabase:
    """One database whose moment is kept."""

    def __init__(self, name: str, path: Path, work: Path) -> None:
        """Hold the database at *path*; a copy is made in *work*."""
        self._name, self._path, self._copy = name, path, work / f"{uuid4().hex}.sqlite"
        self._lock: sqlite3.Connection | None = None
        self._view: sqlite3.Connection | None = None
        if not path.is_file():
            return
        try:
            self._lock, self._view = _open(path, "rw"), _open(path, "ro")
            self._lock.execute("BEGIN IMMEDIATE")
            self._view.execute("BEGIN")
            self._view.execute("SELECT count(*) FROM sqlite_master")  # the moment is this
            if self._view.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                self._take()
        except sqlite3.Error as failed:
            self.close()
            raise _told(failed, path) from failed

    def release(self) -> None:
        """Let writers go on."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write(self, writer: ArchiveWriter) -> dict[str, Any]:
        """Put the copy into the archive, with the owner of the original."""
        if self._view is None:
            return {"missing": True}
        try:
            if not self._copy.exists():
                self._take()
            facts = {"rows": rows(self._copy)}
        except sqlite3.Error as failed:
            raise _told(failed, self._path) from failed
        writer.add_file(self._copy, self._name, self._path.stat())
        return facts

    def close(self) -> None:
        """Close the database and remove the copy."""
        self.release()
        if self._view is not None:
            self._view.close()
            self._view = None
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._copy.with_name(self._copy.name + suffix).unlink(missing_ok=True)

    def _take(self) -> None:
        assert self._view is not None  # noqa: S101 - only called while it is held
        with closing(sqlite3.connect(self._copy)) as target:
            self._view.backup(target)


def hold(item: Item, source: Source) -> HeldDatabase:
    """Hold the database *item* still.

    Raises:
        TransientError: If somebody has been writing for half a minute.
        CommandError: If it is damaged.
    """
    return HeldDatabase(f"{DATA}/{item.path}", source.data / item.path, source.work)


def bring(item: Item, staged: Staged, facts: Mapping[str, Any]) -> None:
    """Do nothing: what was extracted is the database."""


def judge(item: Item, staged: Staged, facts: Mapping[str, Any]) -> str:
    """Return what is wrong with the extracted database: damaged, or other rows."""
    path = staged.data / item.path
    if facts.get("missing"):
        return ""
    try:
        with closing(_open(path, "ro")) as database:
            found = database.execute("PRAGMA quick_check").fetchone()[0]
        if found != "ok":
            return f"{item.path} is damaged: {found}"
        counted = rows(path)
    except sqlite3.Error as failed:
        return f"{item.path} cannot be read: {failed}"
    for table, expected in facts.get("rows", {}).items():
        if counted.get(table) != expected:
            return f"{item.path}: {table} has {counted.get(table)} rows instead of {expected}"
    return ""


def rows(path: Path) -> dict[str, int]:
    """Return how many rows each table of the database at *path* has."""
    with closing(_open(path, "ro")) as database:
        names = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " AND sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        return {name: _count(database, name) for (name,) in names.fetchall()}


def taken(path: Path, table: str, column: str, value: str) -> list[dict[str, Any]]:
    """Return the rows of *table* in the database at *path* whose *column* is *value*.

    Nothing if there is no such database.

    Raises:
        CommandError: If it cannot be read.
    """
    if not path.is_file():
        return []
    try:
        with closing(_open(path, "ro")) as database:
            database.row_factory = sqlite3.Row
            said = f'SELECT * FROM "{table}" WHERE "{column}" = ?'  # noqa: S608 - names of ours
            return [dict(row) for row in database.execute(said, (value,))]
    except sqlite3.Error as failed:
        raise _told(failed, path) from failed


def put(path: Path, table: str, found: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into *table* of the database at *path*, all or none; the same key is replaced.

    Raises:
        CommandError: If it cannot be written.
        TransientError: If somebody has been writing for half a minute.
    """
    names = list(found[0])
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(f":{name}" for name in names)
    said = f'INSERT OR REPLACE INTO "{table}" ({columns}) VALUES ({values})'  # noqa: S608 - likewise
    try:
        with closing(_open(path, "rw")) as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(said, found)
            database.execute("COMMIT")
    except sqlite3.Error as failed:
        raise _told(failed, path) from failed


def grown(path: Path, before: Path) -> dict[str, int]:
    """Return how many rows more than in the database *before* each table has, if any.

    Nothing if one of the two cannot be read.
    """
    try:
        now, then = rows(path), rows(before) if before.is_file() else {}
    except sqlite3.Error:
        return {}
    more = {table: count - then.get(table, 0) for table, count in sorted(now.items())}
    return {table: count for table, count in more.items() if count > 0}


def _count(database: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    return int(database.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0])  # noqa: S608 - quoted


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _has_no_room(failed: sqlite3.Error, path: Path) -> bool:
    """Return whether a full disk is why: even who only reads makes a file beside the database."""
    kind = getattr(failed, "sqlite_errorcode", 0) & 0xFF  # the rest says more than we need
    if kind not in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        return False
    return shutil.disk_usage(path.parent).free < ROOM_BYTES


def _told(failed: sqlite3.Error, path: Path) -> Exception:
    if "locked" in str(failed) or "busy" in str(failed):
        return TransientError(
            f"somebody has been writing for {BUSY_SECONDS:.0f} s",
            subject=str(path),
            hint="Type the same command again.",
        )
    if _has_no_room(failed, path):
        return CommandError(
            f"no room is left on the disk of this database: {failed}",
            subject=str(path),
            hint="Make room, then type the same command again.",
        )
    return CommandError(
        f"the database cannot be read: {failed}",
        subject=str(path),
        hint="If it is damaged, restore a backup. See: ./beast backups",
    )
