# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.database import Database


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "things.sqlite"


@pytest.fixture
def database(path):
    with Database(path) as opened:
        with opened.writing() as table:
            table.exec_driver_sql("CREATE TABLE things (name TEXT NOT NULL) STRICT")
        yield opened
