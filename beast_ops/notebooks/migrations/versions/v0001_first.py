# SPDX-License-Identifier: Apache-2.0
"""Notebooks, sources, sessions with their messages, results."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "notebooks",
        sa.Column("id", sa.TEXT, primary_key=True),
        sa.Column("name", sa.TEXT, nullable=False, unique=True),
        sa.Column("description", sa.TEXT, nullable=False),
        sa.Column("folded", sa.TEXT, nullable=False),
        sa.Column("created", sa.REAL, nullable=False),
        sa.Column("changed", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
    _sources()
    _sessions()
    _results()


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.TEXT, primary_key=True),
        sa.Column("notebook", sa.TEXT, nullable=False),
        sa.Column("kind", sa.TEXT, nullable=False),
        sa.Column("name", sa.TEXT, nullable=False),
        sa.Column("url", sa.TEXT, nullable=False),
        sa.Column("state", sa.TEXT, nullable=False),
        sa.Column("job", sa.TEXT, nullable=False),
        sa.Column("reason", sa.TEXT, nullable=False),
        sa.Column("passages", sa.INTEGER, nullable=False),
        sa.Column("size", sa.INTEGER, nullable=False),
        sa.Column("created", sa.REAL, nullable=False),
        sa.Column("changed", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("sources_by_notebook", "sources", ["notebook", "created"])
    op.create_index("sources_by_state", "sources", ["state"])


def _sessions() -> None:
    notebook = sa.ForeignKey("notebooks.id", ondelete="CASCADE")
    op.create_table(
        "sessions",
        sa.Column("id", sa.TEXT, primary_key=True),
        sa.Column("notebook", sa.TEXT, notebook),
        sa.Column("collection", sa.TEXT, nullable=False),
        sa.Column("title", sa.TEXT, nullable=False),
        sa.Column("created", sa.REAL, nullable=False),
        sa.Column("changed", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("sessions_by_notebook", "sessions", ["notebook", "changed"])
    session = sa.ForeignKey("sessions.id", ondelete="CASCADE")
    op.create_table(
        "messages",
        sa.Column("id", sa.INTEGER, primary_key=True),
        sa.Column("session", sa.TEXT, session, nullable=False),
        sa.Column("role", sa.TEXT, nullable=False),
        sa.Column("text", sa.TEXT, nullable=False),
        sa.Column("state", sa.TEXT, nullable=False),
        sa.Column("about", sa.TEXT, nullable=False),
        sa.Column("created", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("messages_by_session", "messages", ["session", "id"])


def _results() -> None:
    notebook = sa.ForeignKey("notebooks.id", ondelete="CASCADE")
    op.create_table(
        "results",
        sa.Column("id", sa.TEXT, primary_key=True),
        sa.Column("notebook", sa.TEXT, notebook, nullable=False),
        sa.Column("kind", sa.TEXT, nullable=False),
        sa.Column("state", sa.TEXT, nullable=False),
        sa.Column("reason", sa.TEXT, nullable=False),
        sa.Column("sources", sa.TEXT, nullable=False),
        sa.Column("content", sa.TEXT, nullable=False),
        sa.Column("created", sa.REAL, nullable=False),
        sa.Column("changed", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("results_by_notebook", "results", ["notebook", "created"])
