# SPDX-License-Identifier: Apache-2.0
"""A look costs little and changes nothing."""

import pytest

from beast_ops.database.look import looking
from beast_ops.errors import DatabaseDamagedError, DatabaseError


def test_rows_are_known_by_name_and_nothing_is_written(database, path):
    with database.writing() as table:
        table.exec_driver_sql("INSERT INTO things VALUES ('one')")

    with looking(path) as rows:
        assert ["one"] == [row["name"] for row in rows.execute("SELECT name FROM things")]
    with pytest.raises(DatabaseError, match="readonly"), looking(path) as rows:
        rows.execute("DELETE FROM things")


def test_what_is_missing_or_damaged_is_told(path):
    with pytest.raises(DatabaseError, match="unable to open"), looking(path):
        pass
    path.parent.mkdir()
    path.write_bytes(b"not a database, for sure" * 100)
    with pytest.raises(DatabaseDamagedError), looking(path) as rows:
        rows.execute("SELECT 1 FROM things")
