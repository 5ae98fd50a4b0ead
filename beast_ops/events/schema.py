# SPDX-License-Identifier: Apache-2.0
"""The table of the outbox."""

from pathlib import Path

from sqlalchemy import INTEGER, REAL, TEXT, Column, MetaData, Table

from beast_ops.database import Schema

SCHEMA = Schema(Path(__file__).parent / "migrations", head="0001")
METADATA = MetaData()

EVENTS = Table(
    "events",
    METADATA,
    Column("number", INTEGER, primary_key=True),
    Column("id", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("at", REAL, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("data", TEXT, nullable=False),
    sqlite_strict=True,
)
