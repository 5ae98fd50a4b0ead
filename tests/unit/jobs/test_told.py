# SPDX-License-Identifier: Apache-2.0
"""Which events a job becomes, with a real worker."""

import pytest

from beast_ops.errors import MissingError, UnavailableError
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.told import telling
from beast_ops.jobs.worker import Bounded, CancelledError, Worker


@pytest.fixture
def told(tmp_path):
    """Run a job of a kind with a handler; return the events it became."""

    def telling_of(kind, handler, *, quiet=False):
        found = []
        tell = telling(lambda name, **data: found.append((name, data)), quiet=quiet)
        with JobTable(tmp_path / "jobs.sqlite") as table:
            table.add(kind, {})
            Worker(table, {kind: Bounded(handler, tell=tell)}, "w").run_one()
        return found

    return telling_of


def raising(failure):
    def handle(_):
        raise failure

    return handle


@pytest.mark.parametrize(
    ("handler", "last"),
    [
        (lambda _: {}, "job.done"),
        (raising(CancelledError()), "job.cancelled"),
        (raising(MissingError("no")), "job.failed"),
        (raising(UnavailableError("away")), "job.failed"),
        (raising(OSError(28, "full")), "job.failed"),
        (raising(ZeroDivisionError()), "job.failed"),
    ],
)
def test_a_job_is_told_when_it_starts_and_how_it_ends(told, handler, last):
    assert ["job.started", last] == [name for name, _ in told("k", handler)]


def test_what_a_job_means_to_others_is_told_too(told):
    ingested = {"collection": "docs", "chunks": 3, "seconds": 1.0, "results": ["secret"]}
    pulled = {"model": "m", "bytes": 5, "seconds": 1.0}

    name, data = told("ingest", lambda _: ingested)[-1]
    assert ("rag.ingested", 3, False) == (name, data["chunks"], "results" in data)
    name, data = told("model_pull", lambda _: pulled)[-1]
    assert ("model.downloaded", "m", 5) == (name, data["model"], data["bytes"])


def test_of_quiet_ones_only_failures_are_told(told):
    assert [] == told("k", lambda _: {}, quiet=True)
    assert ["job.failed"] == [name for name, _ in told("k", raising(OSError()), quiet=True)]


@pytest.mark.parametrize(
    ("handler", "last", "status"),
    [
        (lambda _: {"status": "done", "steps": 3}, "completed", "done"),
        (lambda _: {"status": "limit", "steps": 3}, "failed", "limit"),
        (raising(CancelledError()), "failed", "cancelled"),
        (raising(MissingError("no")), "failed", "failed"),
    ],
)
def test_a_task_is_told_as_its_verb_tells_it(told, handler, last, status):
    found = dict(told("agent", handler))

    assert found["agent.task.started"]["task"] == found[f"agent.task.{last}"]["task"]
    assert status == found[f"agent.task.{last}"]["status"]
