# SPDX-License-Identifier: Apache-2.0
"""The tables of the registry.

`words` is a full-text index (FTS5) over `models`, which SQLAlchemy has no table for; its rows
have the numbers of theirs, and are written in the same transactions.
"""

from pathlib import Path

from sqlalchemy import INTEGER, REAL, TEXT, Column, ForeignKey, Index, MetaData, Table

from beast_ops.database import Schema

SCHEMA = Schema(Path(__file__).parent / "migrations", head="0001")
METADATA = MetaData()

MODELS = Table(
    "models",
    METADATA,
    Column("number", INTEGER, primary_key=True),
    Column("id", TEXT, nullable=False, unique=True),
    Column("origin", TEXT, nullable=False),
    Column("family", TEXT, nullable=False),
    Column("parameters", INTEGER),
    Column("size", INTEGER),  # bytes of the smallest way to have it
    Column("weight", REAL, nullable=False),  # what is better known comes first
    Column("entry", TEXT, nullable=False),  # JSON: all of it
    Column("changed", REAL, nullable=False),
    Index("models_by_family", "family", "weight"),
    Index("models_by_weight", "weight"),
    sqlite_strict=True,
)
TAGS = Table(
    "tags",
    METADATA,
    Column("tag", TEXT, primary_key=True),
    Column("model", INTEGER, ForeignKey("models.number", ondelete="CASCADE"), primary_key=True),
    Index("tags_by_model", "model"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
INSTANCES = Table(
    "instances",
    METADATA,
    Column("path", TEXT, primary_key=True),
    Column("model", INTEGER, ForeignKey("models.number", ondelete="CASCADE"), primary_key=True),
    Column("location", TEXT, nullable=False),
    Column("sha256", TEXT, nullable=False),  # of the weights; empty while unknown
    Column("bytes", INTEGER, nullable=False),
    Column("file", TEXT, nullable=False),  # which file of the disk: two names may lead to one
    Column("modified", REAL, nullable=False),
    Column("installed", REAL, nullable=False),
    Column("last_used", REAL),
    Column("uses", INTEGER, nullable=False),
    Column("looked", REAL, nullable=False),  # when it had been read last, as the last scan ended
    Index("instances_by_model", "model"),
    Index("instances_by_sha256", "sha256"),
    sqlite_strict=True,
)
NOTES = Table(
    "notes",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("value", TEXT, nullable=False),
    sqlite_strict=True,
)
