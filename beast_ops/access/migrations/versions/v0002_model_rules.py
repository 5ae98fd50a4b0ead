# SPDX-License-Identifier: Apache-2.0
"""Which models a token may use, and how often; those from before it may use all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what is missing."""
    op.add_column("tokens", sa.Column("models", sa.TEXT))
    op.add_column("tokens", sa.Column("per_minute", sa.INTEGER))
