# SPDX-License-Identifier: Apache-2.0
"""The one room that opens our SQLite files: many readers beside one writer, nothing lost.

`Database` is for those who write, or read often; `beast_ops.database.look` is for a single look
and costs no more than Python's own module. What either cannot do is told as `FAILURES`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from beast_ops.errors import DatabaseBusyError, DatabaseError, DatabaseFullError

if TYPE_CHECKING:  # costs a fifth of a second, which naming the class must not
    from sqlalchemy import Connection

FAILURES = (DatabaseError, DatabaseBusyError, DatabaseFullError)
WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a database, as the migrations in a folder make them.

    Attributes:
        migrations: The folder.
        head: The revision that the newest of them leads to.
    """

    migrations: Path
    head: str


class Database:
    """A file and its connections; safe for several threads, and for several processes."""

    def __init__(
        self,
        path: Path,
        schema: Schema | None = None,
        *,
        read_only: bool = False,
        durable: bool = False,
    ) -> None:
        """Open *path*; unless *read_only*, make it and bring its tables up to date.

        Args:
            path: The file.
            schema: What its tables are; nothing is done about them without.
            read_only: Whether nothing may be changed.
            durable: Whether a commit survives a power cut; costs a sync of the disk each.

        Raises:
            DatabaseError: If the file cannot be opened, is damaged, or of a newer version.
            DatabaseBusyError: If another process does not let go of it.
            DatabaseFullError: If there is no room for its tables.
        """
        from .failures import translated
        from .pool import Pool

        if not read_only:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._turn = threading.Lock()
        self._pool = Pool(path, read_only=read_only, durable=durable)
        with translated(path):
            try:
                self._pool.try_out(None if read_only else schema)
            except BaseException:
                self._pool.close()
                raise

    @contextmanager
    def writing(self) -> "Iterator[Connection]":
        """Yield a connection inside a transaction that is kept unless an exception leaves.

        The threads of a process write one after the other. A transaction that reads first and
        writes later would fail at once when another process wrote in between, without waiting;
        so it takes the right to write at its begin.

        Raises:
            DatabaseError: If the file cannot be used, or was closed.
            DatabaseBusyError: If others do not let go of it, or of its connections.
            DatabaseFullError: If there is no room for what was written.
            sqlalchemy.exc.IntegrityError: If a rule of a table was broken.
            sqlite3.IntegrityError: If only the commit found out.
        """
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            raise DatabaseBusyError(
                f"another thread has been writing for {WAIT_SECONDS:g} s",
                subject=str(self._path),
                hint="Try again; if it stays so, restart the service.",
            )
        try:
            with self._pool.lent("BEGIN IMMEDIATE", WAIT_SECONDS) as held:
                yield held.connection
                held.raw.execute("COMMIT")
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> "Iterator[Connection]":
        """Yield a connection that sees the database as it is now; nothing done by it is kept.

        Raises:
            DatabaseError: If the file cannot be used, or was closed.
            DatabaseBusyError: If all connections stay in use.
        """
        with self._pool.lent("BEGIN", WAIT_SECONDS) as held:
            yield held.connection

    def close(self) -> None:
        """Close the file, as soon as nobody uses it any more; what was committed stays."""
        self._pool.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()
