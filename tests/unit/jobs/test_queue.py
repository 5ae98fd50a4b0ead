# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops.jobs.queue import Queue, look
from beast_ops.jobs.table import LEASE_SECONDS, JobTable


class Hands:
    """A clock that is set by hand."""

    def __init__(self):
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self):
        return self.time

    def monotonic(self):
        return self.time.timestamp()

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "jobs.sqlite"


@pytest.fixture
def table(path, clock):
    with JobTable(path, clock) as opened:
        yield opened


def test_no_table_is_no_queue(path):
    assert look(path) is None
    assert not path.exists()


@pytest.mark.usefixtures("table")
def test_an_empty_queue_waits_for_nothing(path, clock):
    assert Queue(0, 0, 0.0) == look(path, clock)


def test_the_oldest_that_waits_counts(table, path, clock):
    table.add("k", {})
    clock.sleep(60)
    table.add("k", {})
    clock.sleep(5)

    assert Queue(2, 0, 65.0, {("k", "ready"): 2}) == look(path, clock)


def test_who_waits_for_uploads_does_not_wait_for_a_worker(table, path, clock):
    job = table.add("k", {}, held=True)
    clock.sleep(600)

    assert Queue(0, 0, 0.0, {("k", "held"): 1}) == look(path, clock)
    table.release(job)
    clock.sleep(1)
    assert Queue(1, 0, 1.0, {("k", "ready"): 1}) == look(path, clock)


def test_what_a_worker_holds_does_not_wait_until_the_worker_falls_silent(table, path, clock):
    table.add("k", {})
    table.claim("w")

    assert Queue(0, 1, 0.0, {("k", "running"): 1}) == look(path, clock)
    clock.sleep(LEASE_SECONDS + 30)
    assert Queue(1, 0, 30.0, {("k", "running"): 1}) == look(path, clock)


def test_what_ended_is_in_no_queue(table, path, clock):
    table.add("k", {})
    table.finish(table.claim("w"), {})

    assert Queue(0, 0, 0.0, {("k", "done"): 1}) == look(path, clock)
