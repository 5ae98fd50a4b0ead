# SPDX-License-Identifier: Apache-2.0
"""The tables of what is known of every document.

`pending` is the intent log: a document stands there from before its first chunk is stored until
its row is final. What stands there after a crash has chunks that no row names.

The vector store answers before its files are on the disk, which takes it some seconds; so
`fresh` holds what was settled last, and after a power cut this is in doubt again.

`likeness` holds by what documents are compared with each other (`likeness.py`).

`members` are the collections of one alias that are kept in step; the alias alone says which of
them is in force. `outbox` holds what the others have still to be told of, and how late: the
number of a source grows whenever it changes again.
"""

from pathlib import Path

from sqlalchemy import (
    BLOB,
    INTEGER,
    REAL,
    TEXT,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    Table,
)

from beast_ops.database import Schema

SCHEMA = Schema(Path(__file__).parent / "migrations", head="0002")
METADATA = MetaData()


def _by_source(name: str, *columns: Column[object] | Index) -> Table:
    """Return a table of documents, each known by its collection and its source."""
    return Table(
        name,
        METADATA,
        Column("collection", TEXT, primary_key=True),
        Column("source", TEXT, primary_key=True),
        *columns,
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


DOCUMENTS = _by_source(
    "documents",
    Column("size", INTEGER, nullable=False),
    Column("mtime_ns", INTEGER, nullable=False),
    Column("sha256", TEXT, nullable=False),
    Column("chunks", TEXT, nullable=False),
    Column("count", INTEGER, nullable=False),
    Column("recipe", TEXT, nullable=False),
    Column("job", TEXT, nullable=False),
    Index("documents_by_content", "collection", "sha256"),
)
PENDING = _by_source("pending")
FRESH = _by_source(
    "fresh",
    Column("boot", TEXT, nullable=False),
    Column("at", REAL, nullable=False),
    Index("fresh_by_age", "at"),
)
RECIPES = Table(
    "recipes",
    METADATA,
    Column("one", INTEGER, CheckConstraint("one = 1"), primary_key=True, nullable=True),
    Column("recipe", TEXT),
    sqlite_strict=True,
)
LIKENESS = _by_source("likeness", Column("signature", BLOB, nullable=False))
MEMBERS = Table(
    "members",
    METADATA,
    Column("collection", TEXT, primary_key=True),
    Column("alias", TEXT, nullable=False),
    Index("members_by_alias", "alias"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
OUTBOX = _by_source(
    "outbox",
    Column("number", INTEGER, nullable=False),
    Index("outbox_by_number", "collection", "number"),
)
