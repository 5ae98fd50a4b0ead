# SPDX-License-Identifier: Apache-2.0
"""Say what SQLite says in our own words: what, on which file, and what to do next."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beast_ops.errors import (
    BeastError,
    DatabaseBusyError,
    DatabaseDamagedError,
    DatabaseError,
    DatabaseFullError,
)

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_KIND = 0xFF  # the rest of a code says more than we need


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite, or SQLAlchemy for it, raises about the file *path* into our own errors.

    Values that a table refuses, and mistakes of a caller, stay as they are: they are not for an
    operator.

    Raises:
        DatabaseError: If the file cannot be used, or is damaged.
        DatabaseBusyError: If others do not let go of it.
        DatabaseFullError: If there is no room.
    """
    try:
        yield
    except Exception as failure:
        ours = told(failure, path)
        if ours is None:
            raise
        raise ours from failure


def told(failure: BaseException, path: Path) -> BeastError | None:
    """Return *failure* on the file *path* as an error of ours; `None` if it is none of SQLite's."""
    cause = getattr(failure, "orig", failure)  # SQLAlchemy wraps what it passes on
    if type(cause) not in (sqlite3.OperationalError, sqlite3.DatabaseError):
        return None
    return _told(cause, str(path))


def _told(cause: BaseException, path: str) -> BeastError:
    kind = getattr(cause, "sqlite_errorcode", 0) & _KIND
    if kind in _BUSY:
        return DatabaseBusyError(
            f"another process does not let go of this database: {cause}",
            subject=path,
            hint="Try again; if it stays so, see which process has the file open.",
        )
    if kind == sqlite3.SQLITE_FULL:
        return DatabaseFullError(
            f"there is no room for this database: {cause}",
            subject=path,
            hint="Make room, then try again.",
        )
    if kind in _DAMAGED:
        return DatabaseDamagedError(
            f"this database is damaged: {cause}",
            subject=path,
            hint="Stop the stack, and restore the file from a backup.",
        )
    return DatabaseError(
        f"this database cannot be used: {cause}",
        subject=path,
        hint="See whether the file is there, may be read and written, and its disk is well.",
    )
