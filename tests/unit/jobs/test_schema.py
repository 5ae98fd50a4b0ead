# SPDX-License-Identifier: Apache-2.0
"""The job table is what its migrations make, and one of the first version is taken over."""

from beast_ops.jobs.model import State
from beast_ops.jobs.schema import METADATA, SCHEMA
from beast_ops.jobs.table import JobTable
from tests.unit.database import revisions

# What the version before revisions made, and some of what may stand in it.
OLD = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL,
    token INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, owner TEXT,
    lease REAL NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
    progress TEXT NOT NULL DEFAULT '{}', result TEXT, error TEXT,
    created REAL NOT NULL, changed REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created);
CREATE TABLE IF NOT EXISTS workers (name TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT;
INSERT INTO workers VALUES ('w', 5.0);
INSERT INTO jobs (id, kind, payload, state, created, changed)
    VALUES ('waits', 'ingest', '{"documents": 2}', 'ready', 1.0, 1.0);
INSERT INTO jobs (id, kind, payload, state, token, attempts, owner, result, created, changed)
    VALUES ('ended', 'ingest', '{}', 'done', 1, 1, 'w', '{"seen": 2}', 0.5, 2.0);
"""


def test_the_migrations_make_the_tables_that_are_described(tmp_path):
    revisions.assert_migrations_make_the_tables(tmp_path, SCHEMA, METADATA)


def test_the_newest_revision_is_the_one_that_is_wanted():
    revisions.assert_the_head_is_the_newest(SCHEMA)


def test_a_job_table_from_before_revisions_goes_on_with_all_its_jobs(tmp_path):
    path = revisions.assert_an_old_file_becomes_a_new_one(tmp_path, SCHEMA, METADATA, OLD)

    with JobTable(path) as table:
        assert {"seen": 2} == table.get("ended").result
        claimed = table.claim("w")
        assert claimed is not None
        assert ("waits", State.RUNNING, 1) == (claimed.id, claimed.state, claimed.token)
        assert {"documents": 2} == claimed.payload
