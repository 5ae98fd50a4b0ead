# SPDX-License-Identifier: Apache-2.0
"""The tables of notebooks, their sources, the conversations about them, and what came of them.

Rows of `sources` outlive their notebook: they stay, as `gone`, until their passages have left
the collection. All else goes with what it belongs to.
"""

from pathlib import Path

from sqlalchemy import INTEGER, REAL, TEXT, Column, ForeignKey, Index, MetaData, Table

from beast_ops.database import Schema

SCHEMA = Schema(Path(__file__).parent / "migrations", head="0001")
METADATA = MetaData()

NOTEBOOKS = Table(
    "notebooks",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("name", TEXT, nullable=False, unique=True),
    Column("description", TEXT, nullable=False),
    Column("folded", TEXT, nullable=False),  # both, as they are searched
    Column("created", REAL, nullable=False),
    Column("changed", REAL, nullable=False),
    sqlite_strict=True,
)
SOURCES = Table(
    "sources",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("notebook", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("url", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("job", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("passages", INTEGER, nullable=False),
    Column("size", INTEGER, nullable=False),
    Column("created", REAL, nullable=False),
    Column("changed", REAL, nullable=False),
    Index("sources_by_notebook", "notebook", "created"),
    Index("sources_by_state", "state"),
    sqlite_strict=True,
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("notebook", TEXT, ForeignKey("notebooks.id", ondelete="CASCADE")),
    Column("collection", TEXT, nullable=False),
    Column("title", TEXT, nullable=False),
    Column("created", REAL, nullable=False),
    Column("changed", REAL, nullable=False),
    Index("sessions_by_notebook", "notebook", "changed"),
    sqlite_strict=True,
)
MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", INTEGER, primary_key=True),
    Column("session", TEXT, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("role", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("about", TEXT, nullable=False),  # JSON: passages, citations, what was left out
    Column("created", REAL, nullable=False),
    Index("messages_by_session", "session", "id"),
    sqlite_strict=True,
)
RESULTS = Table(
    "results",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("notebook", TEXT, ForeignKey("notebooks.id", ondelete="CASCADE"), nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("sources", TEXT, nullable=False),  # JSON: ids
    Column("content", TEXT, nullable=False),  # JSON: what came of it
    Column("created", REAL, nullable=False),
    Column("changed", REAL, nullable=False),
    Index("results_by_notebook", "notebook", "created"),
    sqlite_strict=True,
)
