# SPDX-License-Identifier: Apache-2.0
"""The tables of who may do what."""

from pathlib import Path

from sqlalchemy import BLOB, INTEGER, REAL, TEXT, Column, MetaData, Table

from beast_ops.database import Schema

SCHEMA = Schema(Path(__file__).parent / "migrations", head="0003")
METADATA = MetaData()

TOKENS = Table(
    "tokens",
    METADATA,
    Column("hash", TEXT, primary_key=True),
    Column("name", TEXT, nullable=False, unique=True),
    Column("scope", TEXT, nullable=False),
    Column("created", REAL, nullable=False),
    Column("expires", REAL),
    Column("used", REAL),
    Column("models", TEXT),  # a list as JSON; without one, all of them
    Column("per_minute", INTEGER),
    sqlite_strict=True,
)
REVOKED = Table(  # known beyond the data that no longer have them; see `outlast`
    "revoked",
    METADATA,
    Column("hash", TEXT, primary_key=True),
    Column("at", REAL, nullable=False),
    sqlite_strict=True,
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("hash", TEXT, primary_key=True),
    Column("origin", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("scope", TEXT, nullable=False),
    Column("host", TEXT, nullable=False),
    Column("expires", REAL, nullable=False),
    sqlite_strict=True,
)
CHANGES = Table(
    "changes",
    METADATA,
    Column("id", INTEGER, primary_key=True),
    Column("at", REAL, nullable=False),
    Column("who", TEXT, nullable=False),
    Column("client", TEXT, nullable=False),
    Column("method", TEXT, nullable=False),
    Column("path", TEXT, nullable=False),
    Column("status", INTEGER, nullable=False),
    sqlite_strict=True,
)
ANSWERS = Table(  # to requests that may come again
    "answers",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("print", TEXT, nullable=False),
    Column("at", REAL, nullable=False),
    Column("status", INTEGER),
    Column("headers", TEXT),
    Column("body", BLOB),
    sqlite_strict=True,
)
