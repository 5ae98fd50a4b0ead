# SPDX-License-Identifier: Apache-2.0
"""The tables of notebooks are what their migrations make."""

from beast_ops.notebooks.schema import METADATA, SCHEMA
from tests.unit.database import revisions


def test_the_migrations_make_the_tables_that_are_described(tmp_path):
    revisions.assert_migrations_make_the_tables(tmp_path, SCHEMA, METADATA)


def test_the_newest_revision_is_the_one_that_is_wanted():
    revisions.assert_the_head_is_the_newest(SCHEMA)
