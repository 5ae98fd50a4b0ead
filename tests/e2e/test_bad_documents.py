# SPDX-License-Identifier: Apache-2.0
"""Bad documents of every kind: each is named with its reason, and harms nothing else."""

import threading
import time
from dataclasses import dataclass

import pytest

from beast_ops.ingest.sources import shown, uri
from tests.e2e import documents, knowledge
from tests.e2e.knowledge import Memory, family, search, start_ingest, told, wait_for

COLLECTION = "bad"
PARSE_MIB, PARSERS = 1024, 2  # the settings of inventory/local
WORKER_MIB = 700  # the worker itself: its batches, its libraries
LOOK_SECONDS = 0.02
SENT = 120  # enough that the last still waits while the first is sent


def plain(path):
    """Return a path as results have it: bytes that are no text are replaced."""
    return shown(uri("", str(path)))


@dataclass
class Aftermath:
    """What became of all bad documents, and what it cost."""

    stack: object
    made: tuple
    found: dict
    memory: Memory
    before: list
    waiting: set

    def line(self, path):
        """Return the line of the document at *path*, if it has one."""
        return next((line for line in self.found["results"] if line["path"] == plain(path)), None)


@pytest.fixture(scope="module")
def aftermath(_running, tmp_path_factory):
    stack = _running
    folder = tmp_path_factory.mktemp("bad documents")
    made = documents.make(folder)
    worker = stack.pids()["beast-worker"]
    memory, over = Memory(worker), threading.Event()

    def look():
        while not over.is_set():
            memory.look()
            time.sleep(LOOK_SECONDS)

    watch = threading.Thread(target=look)
    before, waiting = family(worker), set(knowledge.uploads(stack))
    watch.start()
    try:
        with knowledge.quiet(stack):
            done = stack.finish(start_ingest(stack, folder, collection=COLLECTION), 400)
    finally:
        over.set()
        watch.join()
    assert done.out, done.err
    assert done.code == 1
    return Aftermath(stack, made, done.json, memory, before, waiting)


def test_each_bad_document_is_named_with_its_reason_and_each_good_one_ingested(aftermath):
    lines = {expected.path: aftermath.line(expected.path) for expected in aftermath.made}

    faults = [
        expected.faults(ok=line and line["ok"], error=line and line["error"])
        for expected, line in ((each, lines[each.path]) for each in aftermath.made)
    ]

    assert [] == [fault for fault in faults if fault]
    bad = sum(not line["ok"] for line in aftermath.found["results"])
    assert bad == aftermath.found["documents"]["failed"]
    assert all(line["error"] for line in aftermath.found["results"] if not line["ok"])


def test_reasons_are_one_short_line_without_the_insides_of_the_machine(aftermath):
    reasons = [line["error"] for line in aftermath.found["results"] if not line["ok"]]

    assert not [reason for reason in reasons if "\n" in reason or len(reason) > 300]
    assert not [reason for reason in reasons if "Traceback" in reason or "uploads/" in reason]


def test_what_is_good_among_the_bad_is_found(aftermath):
    said = [each for each in aftermath.made if each.ok and each.says]

    missed = []
    for each in said:
        hits = search(aftermath.stack, each.says, collection=COLLECTION)
        if plain(each.path) not in knowledge.sources(hits):
            missed.append(str(each.path.name))

    assert len(said) > 30
    assert [] == missed


def test_memory_stays_within_the_limit_of_one_document_each(aftermath):
    print(f"the worker and its readers took at most {aftermath.memory.most_mib:.0f} MiB")

    assert aftermath.memory.most_mib < WORKER_MIB + PARSERS * PARSE_MIB


def test_nothing_is_left_behind(aftermath):
    worker = aftermath.stack.pids()["beast-worker"]

    assert aftermath.before[0] == worker  # it did not die of it
    wait_for(lambda: set(family(worker)) <= set(aftermath.before), 30)
    wait_for(lambda: set(knowledge.uploads(aftermath.stack)) <= aftermath.waiting, 30)


def test_a_document_that_vanishes_after_it_was_listed_is_named(stack, tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(SENT):
        (folder / f"{number:03}.txt").write_text(f"Paper {number}.\n" * 4000)
    vanishing = documents.Expectation(folder / "zzz.txt", ok=None)
    vanishing.path.write_text("Soon gone.\n")
    process = start_ingest(stack, folder, collection=f"{COLLECTION}-vanishing")
    wait_for(lambda: any(list(job.glob("[0-9]*")) for job in knowledge.uploads(stack)), 60)

    expected = documents.vanish(vanishing)

    found = told(stack.finish(process), failed=1)
    line = next(each for each in found["results"] if each["path"] == str(expected.path))
    assert "" == expected.faults(ok=line["ok"], error=line["error"])
    assert SENT == found["documents"]["ingested"]


def test_what_is_no_file_is_refused_by_name(stack):
    done = knowledge.ingest(stack, "/dev/full", collection=f"{COLLECTION}-device")

    assert 1 == done.code
    assert "a device" in done.json["results"][0]["error"]
