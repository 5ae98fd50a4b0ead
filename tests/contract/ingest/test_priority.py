# SPDX-License-Identifier: Apache-2.0
"""A small ingestion does not wait behind a large one, which goes on where it was."""

import pytest

from beast_ops.ingest.manifest import FEW
from beast_ops.jobs.model import Priority
from beast_ops.jobs.table import JobTable

MANY = 60


@pytest.fixture
def busy(bench, monkeypatch, tmp_path):
    """Return a bench with a long job, and a small one that comes in after some documents."""
    one = bench(batch=8)
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(MANY):
        (docs / f"{number:02}.txt").write_text(f"Note {number} of many.")
    monkeypatch.setattr("beast_ops.jobs.worker.ASK_SECONDS", 0.0)
    monkeypatch.setattr("beast_ops.ingest.reading.LEAD", 0.0)
    with JobTable(one.around.jobs) as table:
        payload = {"collection": one.collection, "folder": str(docs)}
        one.long = table.add("ingest", payload)
    return one


def after_some(monkeypatch, count, act):
    """Call *act* once when *count* documents were opened."""
    from beast_ops.ingest import reading

    left, opened = [count], reading.open_content

    def counting(*args):
        left[0] -= 1
        if left[0] == 0:
            act()
        return opened(*args)

    monkeypatch.setattr(reading, "open_content", counting)


def ended(monkeypatch):
    """Return what becomes the list of jobs in the order in which they end."""
    order, finish = [], JobTable.finish

    def finished(table, job, result):
        order.append(job.id)
        finish(table, job, result)

    monkeypatch.setattr(JobTable, "finish", finished)
    return order


def test_a_long_ingestion_lets_a_small_one_by_and_reads_nothing_twice(busy, reads, monkeypatch):
    order, small = ended(monkeypatch), []
    busy.write(urgent_md="Urgent.")
    manifest = busy.manifest().model_copy(update={"folders": ()})
    after_some(monkeypatch, 20, lambda: small.append(busy.send(manifest)))

    busy.work()

    assert [small[0], busy.long] == order
    assert MANY + 1 == len(reads[0]) == len(set(reads[0]))
    long = busy.job(busy.long)
    assert busy.counts(seen=MANY, ingested=MANY) == long.result["documents"]
    assert 2 == long.token
    assert MANY + 1 == len(busy.points())


@pytest.mark.parametrize("priority", [Priority.NORMAL, Priority.LOW])
def test_it_does_not_give_way_to_what_is_no_more_urgent(busy, monkeypatch, priority):
    order, small = ended(monkeypatch), []
    busy.write(b_md="Not urgent.")
    manifest = busy.manifest().model_copy(update={"folders": (), "priority": priority})
    after_some(monkeypatch, 20, lambda: small.append(busy.send(manifest)))

    busy.work()

    assert [busy.long, small[0]] == order
    assert 1 == busy.job(busy.long).token


def test_a_few_documents_are_urgent_unless_somebody_says_otherwise(bench):
    one = bench()
    one.write(**{f"n{number}_md": "Words." for number in range(FEW)})
    assert Priority.HIGH is one.manifest().urgency
    assert Priority.LOW is one.manifest().model_copy(update={"priority": Priority.LOW}).urgency
    one.write(more_md="Words.")

    assert Priority.NORMAL is one.manifest().urgency
    assert Priority.NORMAL is one.job(one.send()).priority


def test_it_works_as_long_as_it_took_to_find_its_place_before_it_gives_way(busy, monkeypatch):
    order, small = ended(monkeypatch), []
    monkeypatch.setattr("beast_ops.ingest.reading.LEAD", 1e6)
    busy.write(urgent_md="Urgent.")
    manifest = busy.manifest().model_copy(update={"folders": ()})
    after_some(monkeypatch, 20, lambda: small.append(busy.send(manifest)))

    busy.work()

    assert [busy.long, small[0]] == order
