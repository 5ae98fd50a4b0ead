# SPDX-License-Identifier: Apache-2.0
"""A single look into a database: one connection that may not write, and no heavy imports."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .connect import connect
from .failures import translated


@contextmanager
def looking(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection to *path* that only reads, whose rows are known by name.

    Raises:
        DatabaseError: If the file cannot be read, or is damaged.
        DatabaseBusyError: If another process does not let go of it.
    """
    with translated(path):
        connection = connect(path, read_only=True)
        try:
            connection.row_factory = sqlite3.Row
            yield connection
        finally:
            connection.close()
