# SPDX-License-Identifier: Apache-2.0
"""Bring the tables of a database to the newest revision: all the way, or not at all."""

import logging
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

from beast_ops.errors import DatabaseDamagedError, DatabaseNewerError

from . import Schema

if TYPE_CHECKING:  # needed where a database is migrated, which is once in a while
    from sqlalchemy import Connection, Engine

log = logging.getLogger(__name__)

PATIENCE_MS = 60_000  # another process may be migrating, which takes as long as there are rows

_one_at_a_time = threading.Lock()  # alembic keeps the migration at hand where all threads see it


def is_current(raw: sqlite3.Connection, schema: Schema) -> bool:
    """Return whether the tables are those of the newest revision of *schema*."""
    return revision(raw) == schema.head


def revision(raw: sqlite3.Connection) -> str | None:
    """Return the revision of the tables; `None` if there are none, or from before revisions."""
    there = "SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'"
    if raw.execute(there).fetchone() is None:
        return None
    row = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def upgrade(engine: "Engine", schema: Schema, path: Path) -> None:
    """Bring the tables in *path* to the newest revision of *schema*, in one transaction.

    Args:
        engine: Opens connections to it.
        schema: The revisions.
        path: The file, for what is said about it.

    Raises:
        DatabaseDamagedError: If rows refer to others that are not there.
        DatabaseNewerError: If its revision is none that this program knows.
    """
    with _one_at_a_time, engine.connect() as connection:
        for words in (
            f"PRAGMA busy_timeout = {PATIENCE_MS}",
            "PRAGMA foreign_keys = OFF",  # else a table made anew takes those with it that refer
            "BEGIN IMMEDIATE",
        ):
            connection.exec_driver_sql(words)
        try:
            _upgrade(connection, schema, path)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise


def _upgrade(connection: "Connection", schema: Schema, path: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    logging.getLogger("alembic").setLevel(logging.WARNING)  # our own line says it all
    config = Config()
    config.set_main_option("script_location", str(schema.migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
    before = revision(cast(sqlite3.Connection, connection.connection.dbapi_connection))
    if before is not None and before not in known:
        raise DatabaseNewerError(
            f"a newer version of this program made this database (revision {before})",
            subject=str(path),
            hint="Install that version again, or restore a backup from before it.",
        )
    log.info("%s: from revision %s to %s", path.name, before or "none", schema.head)
    command.upgrade(config, schema.head)
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if orphans:
        raise DatabaseDamagedError(
            f"{len(orphans)} rows of this database refer to rows that are not there",
            subject=str(path),
            hint="Stop the stack, and restore the file from a backup.",
        )


def run() -> None:
    """Run the migrations that alembic chose on the connection it was given; for `env.py`."""
    from alembic import context

    context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
    context.run_migrations()
