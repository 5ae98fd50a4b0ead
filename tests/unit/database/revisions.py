# SPDX-License-Identifier: Apache-2.0
"""What holds for the migrations of every database of ours."""

import sqlite3
from contextlib import closing

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from beast_ops.database import Database


def differences(path, metadata):
    """Return what alembic would do to make of the tables in *path* those of *metadata*."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, metadata)


def texts(path):
    """Return the words that made each table and index; alembic compares less."""
    with closing(sqlite3.connect(path)) as raw:
        query = "SELECT name, sql FROM sqlite_schema WHERE sql <> '' AND name NOT LIKE 'alembic%'"
        return {name: " ".join(sql.split()) for name, sql in raw.execute(query)}


def contents(path, like=None):
    """Return the rows of each table, by the columns that it, or the one of *like*, has."""
    with closing(sqlite3.connect(path)) as raw:
        names = like or {
            table: [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
            for (table,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        return {
            (table, *names[table]): raw.execute(
                f"SELECT {', '.join(names[table])} FROM {table}"  # noqa: S608 - names of our own
            ).fetchall()
            for table in names
        }


def columns_of(found):
    return {table: columns for table, *columns in found}


def columns(path):
    """Return what SQLite says of each column; keys were once not said to be never empty."""
    with closing(sqlite3.connect(path)) as raw:
        query = (
            'SELECT t.name, t.strict, t.wr, c.name, c.type, c."notnull" OR c.pk, c.dflt_value,'
            " c.pk"
            " FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c"
            " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'alembic%'"
            " ORDER BY t.name, c.cid"
        )
        return raw.execute(query).fetchall()


def assert_migrations_make_the_tables(tmp_path, schema, metadata):
    migrated, made = tmp_path / "migrated.sqlite", tmp_path / "made.sqlite"
    Database(migrated, schema).close()
    engine = create_engine(f"sqlite:///{made}", poolclass=NullPool)
    metadata.create_all(engine)

    assert [] == differences(migrated, metadata)
    assert texts(made) == texts(migrated)


def assert_the_head_is_the_newest(schema):
    config = Config()
    config.set_main_option("script_location", str(schema.migrations))

    assert [schema.head] == list(ScriptDirectory.from_config(config).get_heads())


def assert_an_old_file_becomes_a_new_one(tmp_path, schema, metadata, old):
    """Take over a file that the words *old* make, from before there were revisions."""
    new, path = tmp_path / "new.sqlite", tmp_path / "old.sqlite"
    Database(new, schema).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(f"PRAGMA journal_mode = WAL; {old}")
        indexes = [each for each in raw.iterdump() if each.startswith("CREATE INDEX")]
    before = contents(path)
    Database(path, schema).close()

    assert [] == differences(path, metadata)
    assert columns(new) == columns(path)
    assert before == contents(path, columns_of(before))  # nothing was touched
    with closing(sqlite3.connect(path)) as raw:
        assert indexes == [each for each in raw.iterdump() if each in indexes]
    return path
