# SPDX-License-Identifier: Apache-2.0
"""Tables come to the newest revision all the way or not at all, whoever else comes along."""

import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from beast_ops.database import Database, Schema
from beast_ops.errors import DatabaseDamagedError, DatabaseNewerError

ENV = "from beast_ops.database.migrate import run\nrun()\n"
FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None

def upgrade():
    op.create_table("main", sa.Column("id", sa.INTEGER, primary_key=True))
    op.create_table(
        "refers", sa.Column("id", sa.INTEGER, sa.ForeignKey("main.id", ondelete="CASCADE"))
    )
    op.execute("INSERT INTO main VALUES (1)")
    op.execute("INSERT INTO refers VALUES (1)")
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"

def upgrade():
    with op.batch_alter_table("main", recreate="always") as table:
        table.add_column(sa.Column("name", sa.TEXT))
    op.execute("CREATE TABLE more (id INTEGER)")
    {trouble}
    op.execute("UPDATE main SET name = 'one'")
"""
OLD = {"alembic_version", "main", "refers"}


@pytest.fixture
def write(tmp_path):
    """Write revisions; return the schema that has the last of them as its newest."""
    folder = tmp_path / "100% migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)

    def write(*revisions):
        for number, text in enumerate(revisions, start=1):
            (folder / f"versions/v{number:04}.py").write_text(text)
        return Schema(folder, f"{len(revisions):04}")

    return write


def tables(path):
    with closing(sqlite3.connect(path)) as raw:
        return {name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE sql <> ''")}


def ask(path, query):
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(query).fetchone()


def test_a_new_file_gets_its_tables_and_an_old_one_the_newest(path, write):
    Database(path, write(FIRST)).close()
    assert OLD == tables(path)

    Database(path, write(FIRST, SECOND.format(trouble=""))).close()

    assert OLD | {"more"} == tables(path)
    assert (1, "one") == ask(path, "SELECT * FROM main")
    assert (1,) == ask(path, "SELECT * FROM refers")  # though what it refers to was made anew


def test_nothing_is_loaded_where_nothing_is_to_be_done(path, write, monkeypatch):
    schema = write(FIRST)
    Database(path, schema).close()
    monkeypatch.setitem(sys.modules, "alembic", None)

    Database(path, schema).close()


def test_a_migration_that_fails_in_its_middle_leaves_the_old_tables(path, write):
    Database(path, write(FIRST)).close()

    with pytest.raises(RuntimeError, match="half way"):
        Database(path, write(FIRST, SECOND.format(trouble="raise RuntimeError('half way')")))

    assert OLD == tables(path)
    assert (1,) == ask(path, "SELECT * FROM main")
    assert ("0001",) == ask(path, "SELECT version_num FROM alembic_version")
    Database(path, write(FIRST, SECOND.format(trouble=""))).close()
    assert (1, "one") == ask(path, "SELECT * FROM main")


def test_a_migration_that_is_killed_in_its_middle_leaves_the_old_tables(path, write):
    Database(path, write(FIRST)).close()
    schema = write(FIRST, SECOND.format(trouble="import os; os.kill(os.getpid(), 9)"))
    program = (
        "import sys; from pathlib import Path; from beast_ops.database import Database, Schema\n"
        "Database(Path(sys.argv[1]), Schema(Path(sys.argv[2]), '0002'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), str(schema.migrations)], check=False, timeout=60
    )

    assert -signal.SIGKILL == done.returncode
    assert OLD == tables(path)
    assert (1,) == ask(path, "SELECT * FROM main")
    Database(path, write(FIRST, SECOND.format(trouble=""))).close()
    assert (1, "one") == ask(path, "SELECT * FROM main")


def test_a_database_of_a_newer_version_is_refused_and_left_alone(path, write):
    schema = write(FIRST, SECOND.format(trouble=""))
    Database(path, schema).close()
    (schema.migrations / "versions/v0002.py").unlink()

    with pytest.raises(DatabaseNewerError, match="revision 0002") as told:
        Database(path, write(FIRST))

    assert (str(path), 1) == (told.value.subject, told.value.exit_code)
    assert (1, "one") == ask(path, "SELECT * FROM main")


def test_a_migration_that_leaves_rows_without_what_they_refer_to_is_undone(path, write):
    Database(path, write(FIRST)).close()

    with pytest.raises(DatabaseDamagedError, match="1 rows"):
        Database(path, write(FIRST, SECOND.format(trouble="op.execute('DELETE FROM main')")))

    assert (1,) == ask(path, "SELECT * FROM main")


def test_who_only_reads_does_not_migrate(path, write):
    Database(path, write(FIRST)).close()

    Database(path, write(FIRST, SECOND.format(trouble="")), read_only=True).close()

    assert OLD == tables(path)


def test_threads_that_open_a_new_file_at_once_all_get_it(path, write):
    schema = write(FIRST, SECOND.format(trouble=""))
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: Database(path, schema).close(), range(6)))

    assert (1,) == ask(path, "SELECT count(*) FROM main")


def test_processes_that_open_a_new_file_at_once_all_get_it(path, write):
    schema = write(FIRST, SECOND.format(trouble="import time; time.sleep(0.3)"))
    program = (
        "import sys, time; from pathlib import Path\n"
        "from beast_ops.database import Database, Schema, pool\n"
        "time.sleep(max(0, float(sys.argv[3]) - time.time()))\n"
        "Database(Path(sys.argv[1]), Schema(Path(sys.argv[2]), '0002')).close()\n"
    )
    start = str(time.time() + 2)
    argv = [sys.executable, "-c", program, str(path), str(schema.migrations), start]
    running = [subprocess.Popen(argv) for _ in range(3)]

    assert [0, 0, 0] == [process.wait(60) for process in running]
    assert (1,) == ask(path, "SELECT count(*) FROM main")
