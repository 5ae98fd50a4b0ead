# SPDX-License-Identifier: Apache-2.0
"""The first table."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "events",
        sa.Column("number", sa.INTEGER, primary_key=True),
        sa.Column("id", sa.TEXT, nullable=False),
        sa.Column("name", sa.TEXT, nullable=False),
        sa.Column("at", sa.REAL, nullable=False),
        sa.Column("source", sa.TEXT, nullable=False),
        sa.Column("data", sa.TEXT, nullable=False),
        sqlite_strict=True,
        if_not_exists=True,
    )
