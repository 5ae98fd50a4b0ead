# SPDX-License-Identifier: Apache-2.0
"""A statement that is put into words once says the same as one that is put anew each time."""

from sqlalchemy import TEXT, Column, MetaData, Table, bindparam, insert, update

from beast_ops.database.prepared import Prepared

THINGS = Table("things", MetaData(), Column("name", TEXT))


def test_it_has_its_fixed_values_and_takes_the_others(database):
    rename = update(THINGS).where(THINGS.c.name == "old").values(name=bindparam("new"))
    with database.writing() as table:
        table.execute(insert(THINGS), [{"name": "old"}, {"name": "other"}])
        done = Prepared(rename.returning(THINGS.c.name)).say(table, {"new": "one"})

        assert ["one"] == list(done.scalars())
        assert 0 == Prepared(rename).say(table, {"new": "two"}).rowcount
