# SPDX-License-Identifier: Apache-2.0
"""The connections to one file, kept from one use to the next.

SQLAlchemy's own pool keeps the driver's connections and makes a `Connection` anew for each use;
this one keeps the `Connection`s, which is faster, lets go of what was idle for long, and can be
closed for good.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from beast_ops.errors import DatabaseBusyError, DatabaseClosedError

from . import Schema
from .connect import connect
from .failures import told
from .migrate import is_current, upgrade

LEAST, MOST = 2, 10
IDLE_SECONDS = 300.0


@dataclass(slots=True)
class Held:
    """A connection: as SQLAlchemy sees it, and as the driver does, with when it came back.

    Transactions are begun and ended on the driver's, because `BEGIN IMMEDIATE` is nothing that
    SQLAlchemy would say, and through it each word would cost ten times as much.
    """

    connection: Connection
    raw: sqlite3.Connection
    since: float = 0.0

    def close(self) -> None:
        """Close it."""
        with suppress(Exception):  # a damaged one is gone all the same
            self.connection.close()


class Pool:
    """Between `LEAST` and `MOST` connections, opened when they are needed."""

    def __init__(self, path: Path, *, read_only: bool, durable: bool) -> None:
        """Keep connections to *path*; no file is opened yet."""
        self._path = path
        self._engine = create_engine(
            "sqlite://",
            creator=lambda: connect(path, read_only=read_only, durable=durable),
            poolclass=NullPool,
        )
        self._change = threading.Condition()
        self._free: list[Held] = []  # the one used last is the last
        self._opened = 0
        self._closed = False

    def try_out(self, schema: Schema | None) -> None:
        """Open the first connection, and bring the tables to the newest of *schema*.

        Raises:
            DatabaseNewerError: If they are newer than that.
        """
        held = self._take(0)
        try:
            held.raw.execute("SELECT 1 FROM sqlite_schema").fetchone()  # a damaged head shows
            if schema is not None and not is_current(held.raw, schema):
                upgrade(self._engine, schema, self._path)
        finally:
            self._give(held)

    @contextmanager
    def lent(self, begin: str, seconds: float) -> Iterator[Held]:
        """Lend a connection inside a transaction; what was not committed is undone.

        Args:
            begin: The statement that begins it.
            seconds: How long to wait for a connection.

        Raises:
            DatabaseBusyError: If none came back in that time.
            DatabaseClosedError: If the pool is closed.
        """
        try:
            held = self._take(seconds)
            try:
                held.raw.execute(begin)
                yield held
            finally:
                self._give(held)
        except BaseException as failure:
            ours = told(failure, self._path)
            if ours is None:
                raise
            raise ours from failure

    def close(self) -> None:
        """Close all connections: those in use when they come back."""
        with self._change:
            self._closed = True
            closing, self._free = self._free, []
            self._opened -= len(closing)
            self._change.notify_all()
        for held in closing:
            held.close()

    def _take(self, seconds: float) -> Held:
        with self._change:
            if self._free:
                return self._free.pop()
            self._wait_for_room(seconds)
            if self._free:
                return self._free.pop()
            self._opened += 1
        try:
            connection = self._engine.connect()
        except BaseException:
            with self._change:
                self._opened -= 1
                self._change.notify()
            raise
        return Held(connection, cast(sqlite3.Connection, connection.connection.dbapi_connection))

    def _wait_for_room(self, seconds: float) -> None:
        def there_is() -> bool:
            return self._closed or bool(self._free) or self._opened < MOST

        if not self._change.wait_for(there_is, seconds):
            raise DatabaseBusyError(
                f"all {MOST} connections to this database are in use, for {seconds:g} s now",
                subject=str(self._path),
                hint="Try again; if it stays so, restart the service.",
            )
        if self._closed:
            raise DatabaseClosedError(
                "this database was closed", subject=str(self._path), hint="Open it anew."
            )

    def _give(self, held: Held) -> None:
        """Take *held* back, undo what it left, and let go of those that were idle for long."""
        sound = _undo(held)
        with self._change:
            if sound and not self._closed:
                held.since = time.monotonic()
                self._free.append(held)
                gone = self._stale(held.since)
            else:
                gone = [held]
            self._opened -= len(gone)
            self._change.notify()
        for each in gone:
            each.close()

    def _stale(self, now: float) -> list[Held]:
        spare = max(0, self._opened - LEAST)
        stale = [held for held in self._free[:spare] if now - held.since > IDLE_SECONDS]
        del self._free[: len(stale)]
        return stale


def _undo(held: Held) -> bool:
    """Undo what was not committed; return whether the connection is still good for anything."""
    try:
        if held.raw.in_transaction:  # a full disk may have ended it already
            held.raw.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return True
