# SPDX-License-Identifier: Apache-2.0
"""The tables of the jobs."""

from pathlib import Path

from sqlalchemy import INTEGER, REAL, TEXT, Column, Index, MetaData, Table, text

from beast_ops.database import Schema

SCHEMA = Schema(Path(__file__).parent / "migrations", head="0002")
METADATA = MetaData()

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("kind", TEXT, nullable=False),
    Column("payload", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("token", INTEGER, nullable=False, server_default=text("0")),
    Column("attempts", INTEGER, nullable=False, server_default=text("0")),
    Column("owner", TEXT),
    Column("lease", REAL, nullable=False, server_default=text("0")),
    Column("cancelled", INTEGER, nullable=False, server_default=text("0")),
    Column("progress", TEXT, nullable=False, server_default=text("'{}'")),
    Column("result", TEXT),
    Column("error", TEXT),
    Column("created", REAL, nullable=False),
    Column("changed", REAL, nullable=False),
    Column("rank", INTEGER, nullable=False, server_default=text("1")),
    Index("jobs_by_state", "state", "created"),
    sqlite_strict=True,
)
WORKERS = Table(
    "workers",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("seen", REAL, nullable=False),
    sqlite_strict=True,
)
