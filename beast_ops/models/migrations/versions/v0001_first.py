# SPDX-License-Identifier: Apache-2.0
"""Models with their words and tags, where they lie, and what the registry notes of itself."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "models",
        sa.Column("number", sa.INTEGER, primary_key=True),
        sa.Column("id", sa.TEXT, nullable=False, unique=True),
        sa.Column("origin", sa.TEXT, nullable=False),
        sa.Column("family", sa.TEXT, nullable=False),
        sa.Column("parameters", sa.INTEGER),
        sa.Column("size", sa.INTEGER),
        sa.Column("weight", sa.REAL, nullable=False),
        sa.Column("entry", sa.TEXT, nullable=False),
        sa.Column("changed", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("models_by_family", "models", ["family", "weight"])
    op.create_index("models_by_weight", "models", ["weight"])
    _tags()
    _instances()
    _index()


def _tags() -> None:
    model = sa.ForeignKey("models.number", ondelete="CASCADE")
    op.create_table(
        "tags",
        sa.Column("tag", sa.TEXT, primary_key=True),
        sa.Column("model", sa.INTEGER, model, primary_key=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("tags_by_model", "tags", ["model"])


def _index() -> None:
    op.create_table(
        "notes",
        sa.Column("name", sa.TEXT, primary_key=True),
        sa.Column("value", sa.TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.execute(
        "CREATE VIRTUAL TABLE words USING fts5(id, tags, about, family, scale, prefix='1 2 3')"
    )


def _instances() -> None:
    model = sa.ForeignKey("models.number", ondelete="CASCADE")
    op.create_table(
        "instances",
        sa.Column("path", sa.TEXT, primary_key=True),
        sa.Column("model", sa.INTEGER, model, primary_key=True),
        sa.Column("location", sa.TEXT, nullable=False),
        sa.Column("sha256", sa.TEXT, nullable=False),
        sa.Column("bytes", sa.INTEGER, nullable=False),
        sa.Column("file", sa.TEXT, nullable=False),
        sa.Column("modified", sa.REAL, nullable=False),
        sa.Column("installed", sa.REAL, nullable=False),
        sa.Column("last_used", sa.REAL),
        sa.Column("uses", sa.INTEGER, nullable=False),
        sa.Column("looked", sa.REAL, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("instances_by_model", "instances", ["model"])
    op.create_index("instances_by_sha256", "instances", ["sha256"])
