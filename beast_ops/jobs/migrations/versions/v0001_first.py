# SPDX-License-Identifier: Apache-2.0
"""The tables as they were before there were revisions; where they are there, they stay."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make what is missing."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.TEXT, primary_key=True),
        sa.Column("kind", sa.TEXT, nullable=False),
        sa.Column("payload", sa.TEXT, nullable=False),
        sa.Column("state", sa.TEXT, nullable=False),
        sa.Column("token", sa.INTEGER, nullable=False, server_default=sa.text("0")),
        sa.Column("attempts", sa.INTEGER, nullable=False, server_default=sa.text("0")),
        sa.Column("owner", sa.TEXT),
        sa.Column("lease", sa.REAL, nullable=False, server_default=sa.text("0")),
        sa.Column("cancelled", sa.INTEGER, nullable=False, server_default=sa.text("0")),
        sa.Column("progress", sa.TEXT, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("result", sa.TEXT),
        sa.Column("error", sa.TEXT),
        sa.Column("created", sa.REAL, nullable=False),
        sa.Column("changed", sa.REAL, nullable=False),
        sqlite_strict=True,
        if_not_exists=True,
    )
    op.create_index("jobs_by_state", "jobs", ["state", "created"], if_not_exists=True)
    op.create_table(
        "workers",
        sa.Column("name", sa.TEXT, primary_key=True),
        sa.Column("seen", sa.REAL, nullable=False),
        sqlite_strict=True,
        if_not_exists=True,
    )
