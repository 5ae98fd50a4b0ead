# SPDX-License-Identifier: Apache-2.0
"""Tokens, sessions, what was changed by whom, and answers that may be asked for again."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "tokens",
        sa.Column("hash", sa.TEXT, primary_key=True),
        sa.Column("name", sa.TEXT, nullable=False, unique=True),
        sa.Column("scope", sa.TEXT, nullable=False),
        sa.Column("created", sa.REAL, nullable=False),
        sa.Column("expires", sa.REAL),
        sa.Column("used", sa.REAL),
        sqlite_strict=True,
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.TEXT, primary_key=True),
        sa.Column("origin", sa.TEXT, nullable=False),
        sa.Column("name", sa.TEXT, nullable=False),
        sa.Column("scope", sa.TEXT, nullable=False),
        sa.Column("host", sa.TEXT, nullable=False),
        sa.Column("expires", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
    _changes()


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", sa.INTEGER, primary_key=True),
        sa.Column("at", sa.REAL, nullable=False),
        sa.Column("who", sa.TEXT, nullable=False),
        sa.Column("client", sa.TEXT, nullable=False),
        sa.Column("method", sa.TEXT, nullable=False),
        sa.Column("path", sa.TEXT, nullable=False),
        sa.Column("status", sa.INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "answers",
        sa.Column("name", sa.TEXT, primary_key=True),
        sa.Column("print", sa.TEXT, nullable=False),
        sa.Column("at", sa.REAL, nullable=False),
        sa.Column("status", sa.INTEGER),
        sa.Column("headers", sa.TEXT),
        sa.Column("body", sa.BLOB),
        sqlite_strict=True,
    )
