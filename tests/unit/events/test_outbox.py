# SPDX-License-Identifier: Apache-2.0
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from beast_ops.events import publisher
from beast_ops.events.host import bus_of
from beast_ops.events.model import Event
from beast_ops.events.outbox import KEPT, SPARE, Outbox, events_file, quietly
from beast_ops.events.publisher import Publisher
from beast_ops.events.schema import METADATA, SCHEMA
from beast_ops.testing import a_service, an_installation
from tests.unit.database import revisions


def event(name="job.done", at=1000.0, **data):
    return Event(name, at, "test", data)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "jobs" / "events.sqlite"


@pytest.fixture
def outbox(path):
    with Outbox(path) as opened:
        yield opened


def test_the_migrations_make_the_tables_that_are_described(tmp_path):
    revisions.assert_migrations_make_the_tables(tmp_path, SCHEMA, METADATA)
    revisions.assert_the_head_is_the_newest(SCHEMA)


def test_what_is_kept_comes_back_in_order_with_growing_numbers(outbox):
    outbox.add([event(at=5.0, a=1), event(at=5.0, a=2)])
    outbox.add([event(at=4.0, a=3)])  # the clock was put back
    found = outbox.after(0)

    assert [1, 2, 3] == [each.data["a"] for each in found]
    assert [5000, 5001, 5002] == [each.number for each in found]
    assert [3] == [each.data["a"] for each in outbox.after(5001)]


def test_numbers_in_a_new_file_are_higher_than_all_before(tmp_path):
    with Outbox(tmp_path / "a") as first, Outbox(tmp_path / "b") as second:
        for number in range(50):
            first.add([event(at=10.0 + number / 10)])
        second.add([event(at=20.0)])

        assert second.after(0)[0].number > first.after(0)[-1].number


def test_only_the_newest_are_kept(outbox):
    for begin in range(0, KEPT + 3 * SPARE, SPARE // 2):
        outbox.add([event(number=begin + each) for each in range(SPARE // 2)])
    total, newest = outbox.page("", 1, 0)

    assert KEPT <= total <= KEPT + SPARE
    assert KEPT + 3 * SPARE - 1 == newest[0].data["number"]


def test_pages_are_of_names_that_begin_so(outbox):
    outbox.add([event("job.done"), event("model.deleted", a=1), event("model.downloaded", a=2)])
    total, found = outbox.page("model.", 1, 0)

    assert (2, ["model.downloaded"]) == (total, [each.name for each in found])
    assert ["model.deleted"] == [each.name for each in outbox.page("model.", 1, 1)[1]]


WRITER = """
import sys
from pathlib import Path
from beast_ops.events.model import Event
from beast_ops.events.outbox import Outbox
with Outbox(Path(sys.argv[1])) as outbox:
    for number in range(100):
        outbox.add([Event("job.done", 1.0, sys.argv[2], {"n": number})])
"""


def test_processes_write_at_the_same_time_and_nothing_is_lost(outbox, path):
    words = [[sys.executable, "-c", WRITER, str(path), name] for name in "abc"]
    for each in [subprocess.Popen(argv) for argv in words]:
        assert 0 == each.wait(60)
    found = outbox.after(0)

    assert 300 == len(found) == len({each.number for each in found})
    for name in "abc":
        assert list(range(100)) == [each.data["n"] for each in found if each.source == name]


def test_what_cannot_be_written_down_stops_nobody(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    quietly(lambda: tmp_path / "file" / "events.sqlite")(event())
    (tmp_path / "bad").write_bytes(b"no database" * 100)
    quietly(lambda: tmp_path / "bad")(event())

    assert 2 == caplog.text.count("is not written down")


def test_a_publisher_writes_soon_and_at_its_end(path, monkeypatch):
    monkeypatch.setattr(publisher, "PAUSE_SECONDS", 60.0)
    with Publisher(path, "me") as opened:
        opened.publish("job.done", a=1)
    with Outbox(path) as outbox:
        assert [("job.done", "me", {"a": 1})] == [
            (each.name, each.source, each.data) for each in outbox.after(0)
        ]


def test_what_happens_all_the_time_is_written_down_now_and_then(path):
    with Publisher(path, "me") as opened:
        for _ in range(50):
            opened.publish("rag.queried")
        opened.publish("job.done")
        assert 51 == len(opened.bus.history())
    with Outbox(path) as outbox:
        assert ["rag.queried", "job.done"] == [each.name for each in outbox.after(0)]


def test_too_much_at_once_is_dropped_with_a_word(path, monkeypatch, caplog):
    monkeypatch.setattr(publisher, "PAUSE_SECONDS", 60.0)
    monkeypatch.setattr(publisher, "WAITING", 3)
    with Publisher(path, "me") as opened:
        for _ in range(5):
            opened.publish("job.done")

    assert 2 == caplog.text.count("too much happens")


def test_a_process_of_the_host_writes_to_the_data_in_force(tmp_path):
    place = an_installation(tmp_path / "root", a_service("x"))
    bus_of(place, "host").publish("system.startup")
    place_data = place.data / "1"
    with Outbox(events_file(place_data)) as outbox:
        assert ["system.startup"] == [each.name for each in outbox.after(0)]
    place.services.unlink()
    bus_of(place, "host").publish("system.startup")  # nowhere to write it


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file away")
def test_what_root_makes_belongs_to_whom_the_folder_does(tmp_path):
    folder = tmp_path / "jobs"
    folder.mkdir()
    os.chown(folder, 1000, 1000)
    with Outbox(folder / "events.sqlite") as outbox:
        outbox.add([event()])
        assert {1000} == {each.stat().st_uid for each in folder.iterdir()}


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file away")
def test_what_a_link_leads_to_is_given_to_nobody(tmp_path):
    folder, others = tmp_path / "jobs", tmp_path / "of-root.sqlite"
    folder.mkdir()
    os.chown(folder, 1000, 1000)
    others.touch()
    (folder / "events.sqlite").symlink_to(others)
    with Outbox(folder / "events.sqlite"):
        assert 0 == others.stat().st_uid


def test_reading_holds_up_no_writer(path, outbox):
    outbox.add([event()])
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("BEGIN")
        raw.execute("SELECT * FROM events").fetchall()
        begun = time.monotonic()
        outbox.add([event()])

        assert time.monotonic() - begun < 5
