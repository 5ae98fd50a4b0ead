# SPDX-License-Identifier: Apache-2.0
"""The tables as they were before there were revisions; where they are there, they stay."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make what is missing."""
    _by_source(
        "documents",
        sa.Column("size", sa.INTEGER, nullable=False),
        sa.Column("mtime_ns", sa.INTEGER, nullable=False),
        sa.Column("sha256", sa.TEXT, nullable=False),
        sa.Column("chunks", sa.TEXT, nullable=False),
        sa.Column("count", sa.INTEGER, nullable=False),
        sa.Column("recipe", sa.TEXT, nullable=False),
        sa.Column("job", sa.TEXT, nullable=False),
    )
    _by_source("pending")
    _by_source(
        "fresh",
        sa.Column("boot", sa.TEXT, nullable=False),
        sa.Column("at", sa.REAL, nullable=False),
    )
    op.create_index("fresh_by_age", "fresh", ["at"], if_not_exists=True)
    op.create_table(
        "recipes",
        sa.Column(
            "one", sa.INTEGER, sa.CheckConstraint("one = 1"), primary_key=True, nullable=True
        ),
        sa.Column("recipe", sa.TEXT),
        sqlite_strict=True,
        if_not_exists=True,
    )


def _by_source(name: str, *columns: "sa.Column[object]") -> None:
    op.create_table(
        name,
        sa.Column("collection", sa.TEXT, primary_key=True),
        sa.Column("source", sa.TEXT, primary_key=True),
        *columns,
        sqlite_strict=True,
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
