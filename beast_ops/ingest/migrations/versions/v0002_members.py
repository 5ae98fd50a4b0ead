# SPDX-License-Identifier: Apache-2.0
"""Collections of one alias that are kept in step, and what makes documents comparable."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make what is missing."""
    op.create_index(
        "documents_by_content", "documents", ["collection", "sha256"], if_not_exists=True
    )
    _by_source("likeness", sa.Column("signature", sa.BLOB, nullable=False))
    op.create_table(
        "members",
        sa.Column("collection", sa.TEXT, primary_key=True),
        sa.Column("alias", sa.TEXT, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
    op.create_index("members_by_alias", "members", ["alias"], if_not_exists=True)
    _by_source("outbox", sa.Column("number", sa.INTEGER, nullable=False))
    op.create_index("outbox_by_number", "outbox", ["collection", "number"], if_not_exists=True)


def _by_source(name: str, column: "sa.Column[object]") -> None:
    op.create_table(
        name,
        sa.Column("collection", sa.TEXT, primary_key=True),
        sa.Column("source", sa.TEXT, primary_key=True),
        column,
        sqlite_strict=True,
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
