# SPDX-License-Identifier: Apache-2.0
"""Jobs that come before others; those from before it are as urgent as most."""

import sqlalchemy as sa
from alembic import op

revision = "rank"
down_revision = "due_and_log"


def upgrade() -> None:
    """Add what is missing."""
    op.add_column(
        "jobs", sa.Column("rank", sa.INTEGER, nullable=False, server_default=sa.text("1"))
    )
    op.create_index("jobs_by_rank", "jobs", ["state", "rank", "created"], if_not_exists=True)
