# SPDX-License-Identifier: Apache-2.0
"""What is looked after while it begins."""

from types import SimpleNamespace

import pytest

from beast_ops.database import Database
from beast_ops.errors import DatabaseFullError
from beast_ops.jobs.table import JobTable
from beast_ops.notebooks.model import notebooks_file
from beast_ops.notebooks.results import Making, Results
from beast_ops.notebooks.schema import SCHEMA
from beast_ops.notebooks.store import Notebooks, Page
from beast_ops.notebooks.workshop import Workshop


class Watched(JobTable):
    """Jobs; what looks after results looks once more just before each is added."""

    look = staticmethod(lambda: None)

    def add(self, *args, **more):
        self.look()
        return super().add(*args, **more)


@pytest.fixture
def room(tmp_path):
    with (
        Database(notebooks_file(tmp_path), SCHEMA) as database,
        Watched(tmp_path / "jobs.sqlite") as jobs,
    ):
        workshop = Workshop(None, None, Results(database), jobs)
        notebook = Notebooks(database).create("Owls", "").id
        yield SimpleNamespace(workshop=workshop, jobs=jobs, notebook=notebook)


def begin(room):
    return room.workshop.begin(room.notebook, "summary", [], ("llama3.2", 4096))


def test_what_begins_is_not_taken_for_lost(room):
    seen = []
    room.jobs.look = lambda: seen.append(room.workshop.settle())

    begun = begin(room)

    assert [None] == seen
    room.workshop.settle()
    assert Making.PENDING is room.workshop.results.get(room.notebook, begun.id).state


def test_what_could_not_begin_is_lost_at_once(room):
    def full():
        raise DatabaseFullError("there is no room")

    room.jobs.look = full
    with pytest.raises(DatabaseFullError):
        begin(room)
    room.workshop.settle()

    (kept,), _ = room.workshop.results.page(room.notebook, Page(10, 0))
    assert Making.FAILED is kept.state
    assert "nothing is known of the job" in kept.reason
