# SPDX-License-Identifier: Apache-2.0
"""The state is what its migrations make, and one of the first version is taken over."""

from beast_ops.ingest.schema import METADATA, SCHEMA
from beast_ops.ingest.state import DocumentState, Known
from tests.unit.database import revisions

# What the version before revisions made, and some of what may stand in it.
OLD = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, chunks TEXT NOT NULL, count INTEGER NOT NULL,
    recipe TEXT NOT NULL, job TEXT NOT NULL, PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
    collection TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fresh (
    collection TEXT NOT NULL, source TEXT NOT NULL, boot TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fresh_by_age ON fresh (at);
CREATE TABLE IF NOT EXISTS recipes (one INTEGER PRIMARY KEY CHECK (one = 1), recipe TEXT) STRICT;
INSERT INTO documents VALUES ('docs--1', 'a', 1, 2, 'h', '{"x":"y"}', 1, '1/2', 'j');
INSERT INTO documents VALUES ('docs--1', 'b', 3, 4, 'i', '{}', 0, '1/1', 'j');
INSERT INTO pending VALUES ('docs--1', 'c');
INSERT INTO fresh VALUES ('docs--1', 'b', 'another', 5.0);
INSERT INTO recipes VALUES (1, '1/2');
"""


def test_the_migrations_make_the_tables_that_are_described(tmp_path):
    revisions.assert_migrations_make_the_tables(tmp_path, SCHEMA, METADATA)


def test_the_newest_revision_is_the_one_that_is_wanted():
    revisions.assert_the_head_is_the_newest(SCHEMA)


def test_a_state_from_before_revisions_is_gone_on_with(tmp_path):
    path = revisions.assert_an_old_file_becomes_a_new_one(tmp_path, SCHEMA, METADATA, OLD)

    with DocumentState(path, boot="this") as state:
        assert {
            "a": Known("a", 1, 2, "h", "j", 1),
            "b": Known("b", 3, 4, "i", "j", 0, current=False),
        } == state.known("docs--1", ["a", "b", "c"])
        assert {"x": "y"} == state.chunks("docs--1", "a")
        state.doubt_after_boot()
        assert {"b", "c"} == state.in_doubt("docs--1", ["a", "b", "c"])
