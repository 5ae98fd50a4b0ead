# SPDX-License-Identifier: Apache-2.0
"""The tables of the jobs."""

from pathlib import Path

from sqlalchemy import INTEGER, REAL, TEXT, Column, Index, MetaData, Table, text

from beast_ops.database import Schema

SCHEMA = Schema(Path(__file__).parent / "migrations", head="rank")
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
    Index("jobs_by_kind", "kind", "state"),
    Index("jobs_by_rank", "state", "rank", "created"),  # in the order in which they are claimed
    Index("jobs_cancelled", "state", sqlite_where=text("cancelled = 1")),
    sqlite_strict=True,
)
# Jobs that were tried in vain: not before when to try them again, and how often that was.
TRIES = Table(
    "tries",
    METADATA,
    Column("job", TEXT, primary_key=True),
    Column("due", REAL, nullable=False),
    Column("failures", INTEGER, nullable=False),
    sqlite_strict=True,
)
LINES = Table(
    "lines",
    METADATA,
    Column("number", INTEGER, primary_key=True),
    Column("job", TEXT, nullable=False),
    Column("at", REAL, nullable=False),
    Column("text", TEXT, nullable=False),
    Index("lines_by_job", "job", "number"),
    sqlite_strict=True,
)
WORKERS = Table(
    "workers",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("seen", REAL, nullable=False),
    sqlite_strict=True,
)
