# SPDX-License-Identifier: Apache-2.0
"""Open one connection, with the settings that all of ours share."""

import sqlite3
import time
from pathlib import Path

BUSY_SECONDS = 10.0
AGAIN_SECONDS = 0.01


def connect(
    path: Path, *, read_only: bool = False, durable: bool = False, page_bytes: int = 0
) -> sqlite3.Connection:
    """Open *path* with no transaction of its own making; several threads may use it in turn.

    Args:
        path: The file; it is made if it is missing, unless *read_only*.
        read_only: Whether nothing may be changed.
        durable: Whether a commit survives a power cut; else only the end of the process.
        page_bytes: How large the pages of a new file are; as SQLite likes if 0.

    Raises:
        sqlite3.Error: If it cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        if not read_only:
            if page_bytes:
                connection.execute(f"PRAGMA page_size = {page_bytes:d}")
            _log_ahead(connection)
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    except BaseException:
        connection.close()
        raise
    return connection


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Let readers read beside a writer, which the file remembers from then on.

    Two who change a new file at once do not wait for each other by themselves.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as failed:
            if failed.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_SECONDS)
        else:
            return
