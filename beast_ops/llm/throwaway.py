# SPDX-License-Identifier: Apache-2.0
"""A file of SQLite that may be thrown away at any time: what is in it can be made again.

Nothing here raises: a damaged file is begun anew, and one that cannot be used is left alone. The
worst a lost cache costs is time.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from beast_ops.database.connect import connect

GROWN = 1.25  # a file so much larger than it may be was made under another setting

_FAULTLESS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
}


class Throwaway:
    """Keeps rows in one file, for all threads."""

    def __init__(self, path: Path, most: int, tables: Sequence[str], page_bytes: int) -> None:
        """Open the file, which is made.

        Args:
            path: The file; its folder is made as well.
            most: How many bytes it may have, without the log beside it (some 16 MB).
            tables: The statements that make what is in it, if it is not there.
            page_bytes: How large the pages of a new file are.
        """
        self._path, self._most = path, most
        self._tables, self._page_bytes = tables, page_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._guarded(self._open)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()

    def _guarded(self, act: Callable[[], Any]) -> Any:
        """Return what *act* returns; nothing if the file cannot be used.

        Where there is no room or no right, or another process does not let go, the file is not
        at fault; in all other cases it is, also where SQLite chokes on its own messages or a
        column holds what we never put there.
        """
        try:
            return act()
        except (sqlite3.Error, OSError, ValueError, TypeError) as failed:
            self._close()
            code = getattr(failed, "sqlite_errorcode", 0) & 0xFF
            if not isinstance(failed, OSError) and code not in _FAULTLESS:
                with suppress(sqlite3.Error, OSError):  # else there is no cache this time
                    self._forget_all()
                    self._open()
            return None

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > GROWN * self._most:
            self._forget_all()
        self._connection = connect(self._path, page_bytes=self._page_bytes)
        for table in self._tables:
            self._connection.execute(table)

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _forget_all(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def _ask(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of *statement*; none if the file cannot be used."""
        if self._connection is None:
            return []
        return self._connection.execute(statement, values).fetchall()

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self._connection is None:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(statement, rows)
        self._connection.execute("COMMIT")

    def _bytes(self) -> int:
        """Return how many bytes of the file are in use."""
        names = ("page_count", "freelist_count", "page_size")
        pages, free, size = (self._ask(f"PRAGMA {name}")[0][0] for name in names)
        return int((pages - free) * size)
