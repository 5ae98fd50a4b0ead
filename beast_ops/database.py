# SPDX-License-Identifier: Apache-2.0
"""Open SQLite so that several processes may use one file and a crash loses nothing committed."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

BUSY_SECONDS = 10.0


class Database:
    """One connection to a file, shared by the threads of a process, one transaction at a time."""

    def __init__(
        self, path: Path, schema: str = "", *, read_only: bool = False, durable: bool = False
    ) -> None:
        """Open *path*; unless *read_only*, make it and its tables where they are missing.

        Args:
            path: The file.
            schema: What makes its tables.
            read_only: Whether nothing may be changed.
            durable: Whether a commit survives a power cut; costs a sync of the disk each.

        Raises:
            sqlite3.OperationalError: If the file cannot be opened.
        """
        self._lock = threading.Lock()
        if not read_only:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        self._connection.row_factory = sqlite3.Row
        if not read_only:
            self._connection.execute("PRAGMA journal_mode = WAL")
            # A commit survives the process; only a power cut may lose the last ones.
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.executescript(schema)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside a transaction that is kept unless an exception leaves."""
        with self._lock:
            # A transaction that reads first and writes later fails at once when another wrote
            # in between, without waiting; so it takes the right to write at its begin.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it already
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for single queries."""
        with self._lock:
            yield self._connection

    def close(self) -> None:
        """Close the file; what was committed stays."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()
