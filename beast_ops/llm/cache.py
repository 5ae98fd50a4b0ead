# SPDX-License-Identifier: Apache-2.0
"""Vectors that were made before, in a file that may be thrown away at any time.

A row is a key, when it was last wanted, and the numbers with a checksum: a file system that went
wrong must not become a wrong vector. Nothing here raises: a damaged file is begun anew, and one
that cannot be used is left alone. The worst a lost cache costs is time.
"""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database.connect import connect

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
else:
    Vector = Any

MOST_BYTES = 1 << 30
PAGE_BYTES = 16384  # five vectors of 768 numbers fill it; of the usual 4096 bytes a quarter is lost
FRESH_SECONDS = 3600  # a row wanted twice within an hour is noted once: a read stays a read
AT_ONCE = 500  # keys in one statement
SPARE = 0.1  # the share that leaves when the file is full, so that it is not full again at once
GROWN = 1.25  # a file so much larger than it may be was made under another setting
CHECK_BYTES = 4

_FAULTLESS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
}
_TABLE = """
CREATE TABLE IF NOT EXISTS vectors
    (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, used INTEGER NOT NULL, vector BLOB NOT NULL)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS by_use ON vectors (used)"
_PUT = """
INSERT INTO vectors (key, used, vector) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET used = excluded.used, vector = excluded.vector
"""
_TOUCH = "UPDATE vectors SET used = ? WHERE key = ?"
_FORGET = "DELETE FROM vectors WHERE id IN (SELECT id FROM vectors ORDER BY used, id LIMIT ?)"


class VectorCache:
    """Keeps vectors by key, the least recently wanted leave first; one for all threads."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES, clock: Clock = SYSTEM) -> None:
        """Keep vectors in the file *path*, which is made.

        Args:
            path: The file; its folder is made as well.
            most_bytes: How large it may become, without the log beside it (some 16 MB).
            clock: Tells when a vector was wanted.
        """
        self._path, self._most, self._clock = path, most_bytes, clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._guarded(self._open)

    def get(self, keys: Collection[bytes]) -> dict[bytes, Vector]:
        """Return the vectors that are known, by key."""
        with self._lock:
            return self._guarded(lambda: self._get(list(keys))) or {}

    def put(self, vectors: Mapping[bytes, Vector]) -> None:
        """Keep *vectors*, by key."""
        if vectors:
            with self._lock:
                self._guarded(lambda: self._put(vectors))

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
        connection = connect(self._path, page_bytes=PAGE_BYTES)
        self._connection = connection
        connection.execute(_TABLE)
        connection.execute(_INDEX)

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _forget_all(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def _get(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        import numpy as np

        if self._connection is None:
            return {}
        now, found, touched = self._now(), {}, []
        for key, used, stored in self._rows(self._connection, keys):
            numbers, check = stored[:-CHECK_BYTES], stored[-CHECK_BYTES:]
            if check != _check(key, numbers):
                continue  # made again, and put in its place
            found[key] = np.frombuffer(numbers, "<f4")
            if used < now - FRESH_SECONDS:
                touched.append((now, key))
        if touched:
            self._write(_TOUCH, touched)
        return found

    @staticmethod
    def _rows(
        connection: sqlite3.Connection, keys: Sequence[bytes]
    ) -> Iterator[tuple[bytes, int, bytes]]:
        for begin in range(0, len(keys), AT_ONCE):
            some = keys[begin : begin + AT_ONCE]
            marks = ",".join("?" * len(some))
            asked = f"SELECT key, used, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608 - marks alone
            yield from connection.execute(asked, some)

    def _put(self, vectors: Mapping[bytes, Vector]) -> None:
        import numpy as np

        if self._connection is None:
            return
        now = self._now()
        rows = []
        for key, vector in vectors.items():
            numbers = np.asarray(vector, "<f4").tobytes()
            rows.append((key, now, numbers + _check(key, numbers)))
        self._write(_PUT, rows)
        self._shrink(self._connection)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self._connection is None:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(statement, rows)
        self._connection.execute("COMMIT")

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Let the oldest go while the rows fill more pages than they may; the pages are reused."""
        while _bytes(connection) > self._most:
            (count,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
            if not count:
                return
            connection.execute(_FORGET, (max(1, round(SPARE * count)),))


def _bytes(connection: sqlite3.Connection) -> int:
    """Return how many bytes of the file are in use."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int((pages - free) * size)


def _check(key: bytes, numbers: bytes) -> bytes:
    return crc32(numbers, crc32(key)).to_bytes(CHECK_BYTES, "little")
