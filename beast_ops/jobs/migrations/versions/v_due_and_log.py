# SPDX-License-Identifier: Apache-2.0
"""When a job may be tried again, how often that was, and what it said."""

import sqlalchemy as sa
from alembic import op

revision = "due_and_log"
down_revision = "0001"


def upgrade() -> None:
    """Add tables of their own: the one of the jobs stays as it is."""
    op.create_table(
        "tries",
        sa.Column("job", sa.TEXT, primary_key=True),
        sa.Column("due", sa.REAL, nullable=False),
        sa.Column("failures", sa.INTEGER, nullable=False),
        sqlite_strict=True,
        if_not_exists=True,
    )
    op.create_index("jobs_by_kind", "jobs", ["kind", "state"], if_not_exists=True)
    op.create_index(
        "jobs_cancelled",
        "jobs",
        ["state"],
        sqlite_where=sa.text("cancelled = 1"),
        if_not_exists=True,
    )
    op.create_table(
        "lines",
        sa.Column("number", sa.INTEGER, primary_key=True),
        sa.Column("job", sa.TEXT, nullable=False),
        sa.Column("at", sa.REAL, nullable=False),
        sa.Column("text", sa.TEXT, nullable=False),
        sqlite_strict=True,
        if_not_exists=True,
    )
    op.create_index("lines_by_job", "lines", ["job", "number"], if_not_exists=True)
