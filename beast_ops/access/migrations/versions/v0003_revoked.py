# SPDX-License-Identifier: Apache-2.0
"""Which tokens were revoked: data of an earlier day still have them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what is missing."""
    op.create_table(
        "revoked",
        sa.Column("hash", sa.TEXT, primary_key=True),
        sa.Column("at", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
