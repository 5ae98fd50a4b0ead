# SPDX-License-Identifier: Apache-2.0
"""The worker: what becomes of a job when its handler ends in every possible way."""

import errno
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from beast_ops.clock import Clock
from beast_ops.errors import DatabaseError, DatabaseFullError, DocumentError
from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import CancelledError, Worker


@pytest.fixture
def table(tmp_path):
    with JobTable(tmp_path / "jobs.sqlite") as opened:
        yield opened


def await_true(what):
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def run(table, handler):
    job = table.add("k", {"a": 1})
    assert Worker(table, {"k": handler}, "w").run_one()
    return table.get(job)


def test_the_result_of_a_handler_is_kept(table):
    job = run(table, lambda grip: {"saw": dict(grip.job.payload)})

    assert (State.DONE, {"saw": {"a": 1}}) == (job.state, job.result)


def test_until_it_may_begin_it_shows_signs_of_life_and_takes_nothing(table, tmp_path):
    def seen():
        with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as database:
            return database.execute("SELECT count(*) FROM workers").fetchone()[0]

    job, may = table.add("k", {}), threading.Event()
    worker = Worker(table, {"k": lambda _: {}}, "w")
    thread = threading.Thread(target=worker.run, args=(may.is_set,))
    thread.start()
    try:
        await_true(seen)
        time.sleep(0.5)
        waiting = table.get(job).state
        may.set()
        await_true(lambda: table.get(job).state is State.DONE)
    finally:
        worker.stop()
        thread.join(10)

    assert State.READY == waiting
    assert 0 == seen()  # else the next one would be believed to live, whatever becomes of it


def test_one_that_may_never_begin_stops_when_told(table):
    worker = Worker(table, {}, "w")
    worker.stop()

    worker.run(lambda: False)


def test_an_error_of_ours_is_told_in_its_own_words(table):
    def handler(_grip):
        raise DocumentError("it is broken", subject="a.pdf", hint="Look.")

    job = run(table, handler)

    assert (State.FAILED, "it is broken (a.pdf). Look.") == (job.state, job.error)


def test_a_mistake_is_logged_and_not_shown(table, caplog):
    def handler(_grip):
        raise ZeroDivisionError("secret detail")

    job = run(table, handler)

    assert State.FAILED == job.state
    assert "secret" not in job.error
    assert "secret detail" in caplog.text


def test_an_unknown_kind_fails_with_its_name(table):
    job = table.add("dance", {})
    Worker(table, {}, "w").run_one()

    assert "dance" in table.get(job).error


def test_a_handler_is_told_that_somebody_cancelled_it(table):
    def handler(grip):
        table.cancel(grip.job.id)
        grip.renew()
        with pytest.raises(CancelledError):
            grip.check()
        grip.check()

    assert State.CANCELLED == run(table, handler).state


def test_a_worker_told_to_stop_gives_its_job_back(table):
    worker = None

    def handler(grip):
        worker.stop()
        grip.say({"done": 1})

    job = table.add("k", {})
    worker = Worker(table, {"k": handler}, "w")
    worker.run_one()

    assert State.READY == table.get(job).state


def test_a_worker_that_lost_its_job_goes_on_with_the_next(table):
    def handler(grip):
        table.finish(grip.job, {})  # as if another worker had it
        grip.renew()
        grip.check()

    job = table.add("k", {})
    worker = Worker(table, {"k": handler}, "w")

    assert worker.run_one() is True
    assert State.DONE == table.get(job).state
    assert worker.run_one() is False


def test_a_running_worker_reports_takes_jobs_and_ends_quickly(table):
    worker = Worker(table, {"k": lambda _: {}}, "w")
    thread = threading.Thread(target=worker.run)
    thread.start()
    job = table.add("k", {})
    deadline = time.monotonic() + 5
    while table.get(job).state is not State.DONE and time.monotonic() < deadline:
        time.sleep(0.02)
    worker.stop()
    thread.join(5)

    assert State.DONE == table.get(job).state
    assert not thread.is_alive()


def test_a_grip_that_slept_past_its_lease_looks_before_it_writes(table):
    at = [100.0]
    clock = Clock(monotonic=lambda: at[0])

    def handler(grip):
        table.finish(grip.job, {"by": "another"})
        grip.check()  # nothing to doubt yet
        at[0] += 60
        grip.check()
        raise AssertionError("it went on without its lease")

    job = table.add("k", {})
    Worker(table, {"k": handler}, "w", clock).run_one()

    assert {"by": "another"} == table.get(job).result


@pytest.mark.parametrize(
    "failure",
    [
        DatabaseFullError("there is no room: database or disk is full"),
        OSError(errno.ENOSPC, "disk is full"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_disk_that_is_full_is_the_reason_told(table, failure):
    def handler(_grip):
        raise failure

    job = run(table, handler)

    assert (State.FAILED, True) == (job.state, "disk is full" in job.error)


def test_a_worker_outlives_a_table_that_cannot_be_written_for_a_while(table, monkeypatch, caplog):
    monkeypatch.setattr("beast_ops.jobs.worker.TROUBLE_SECONDS", 0.01)
    claim, failures = table.claim, [1, 2]

    def failing(owner, **how):
        if failures:
            failures.pop()
            raise DatabaseError("this database cannot be used: disk I/O error")
        return claim(owner, **how)

    monkeypatch.setattr(table, "claim", failing)
    tidied = threading.Event()
    worker = Worker(table, {"k": lambda _: worker.stop() or {}}, "w", tidy=tidied.set)
    job = table.add("k", {})
    worker.run()

    assert State.DONE == table.get(job).state
    assert "disk I/O error" in caplog.text
    assert tidied.is_set()
