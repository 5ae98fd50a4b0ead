# SPDX-License-Identifier: Apache-2.0
"""The worker: what becomes of a job when its handler ends in every possible way."""

import errno
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops.clock import Clock
from beast_ops.errors import (
    ConflictError,
    DatabaseError,
    DatabaseFullError,
    DocumentError,
    MissingError,
    UnavailableError,
)
from beast_ops.jobs.model import State, Wanted
from beast_ops.jobs.table import LINES_KEPT, PAUSE_SECONDS, JobTable
from beast_ops.jobs.worker import STUCK_CODE, Bounded, CancelledError, Worker


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


class Passing:
    """A clock that is set by hand."""

    def __init__(self):
        self.passed = 0.0
        self.clock = Clock(
            lambda: datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=self.passed),
            lambda: self.passed,
        )


@pytest.fixture
def time_():
    return Passing()


def test_what_may_pass_is_tried_again_after_pauses_that_double(tmp_path, time_):
    def fail(_):
        raise UnavailableError("the server is away")

    with JobTable(tmp_path / "t.sqlite", time_.clock) as table:
        job = table.add("k", {})
        worker = Worker(table, {"k": Bounded(fail, attempts=3)}, "w", time_.clock)
        pauses = []
        while worker.run_one():
            found = table.get(job)
            pauses.append((found.state, found.failures, found.due - time_.clock.now().timestamp()))
            assert not worker.run_one()
            time_.passed += PAUSE_SECONDS * 2 ** len(pauses)
        said = [text for _, text in table.log(job)]

    ready, failed = State.READY, State.FAILED
    assert [(ready, 1, PAUSE_SECONDS), (ready, 2, 2 * PAUSE_SECONDS)] == pauses[:2]
    assert (failed, 3) == pauses[2][:2]
    assert 2 == len(said)
    assert "tried again in 5 s: the server is away" in said[0]


def test_what_does_not_pass_is_not_tried_again(table):
    def fail(_):
        raise MissingError("there is no such thing")

    job = table.add("k", {})
    Worker(table, {"k": Bounded(fail, attempts=5)}, "w").run_one()

    assert State.FAILED is table.get(job).state


def test_another_job_does_not_wait_for_one_that_pauses(table):
    def handle(grip):
        if grip.job.payload["bad"]:
            raise UnavailableError("away")
        return {}

    first, second = table.add("k", {"bad": True}), table.add("k", {"bad": False})
    worker = Worker(table, {"k": Bounded(handle, attempts=2)}, "w")

    assert [True, True, False] == [worker.run_one() for _ in range(3)]
    assert (State.READY, State.DONE) == (table.get(first).state, table.get(second).state)


def test_a_job_that_takes_too_long_fails_when_it_looks_whether_it_may_go_on(tmp_path, time_):
    def linger(grip):
        grip.check()
        time_.passed += 11
        grip.check()
        return {}

    with JobTable(tmp_path / "t.sqlite", time_.clock) as table:
        job = table.add("k", {})
        Worker(table, {"k": Bounded(linger, seconds=10)}, "w", time_.clock).run_one()
        found = table.get(job)

    assert State.FAILED is found.state
    assert "took longer than" in found.error


HANGS = """
import sys, time
from pathlib import Path
from beast_ops.jobs import worker
from beast_ops.jobs.table import JobTable

worker.HEARTBEAT_SECONDS = worker.STUCK_SECONDS = 0.1
with JobTable(Path(sys.argv[1])) as table:
    bounded = worker.Bounded(lambda _: time.sleep(60), seconds=0.1)
    worker.Worker(table, {"k": bounded}, "w").run()
"""


def test_a_handler_that_hangs_takes_its_worker_along_and_its_job_has_failed(table, tmp_path):
    job = table.add("k", {})
    words = [sys.executable, "-c", HANGS, str(tmp_path / "jobs.sqlite")]
    done = subprocess.run(words, timeout=30, check=False)

    assert STUCK_CODE == done.returncode
    assert State.FAILED is table.get(job).state
    assert "hung" in table.get(job).error


def test_a_failed_job_can_be_retried_and_a_running_one_cannot(table):
    job = run(table, lambda _: 1 / 0)
    table.retry(job.id)
    again = table.get(job.id)

    assert (State.READY, None, 0) == (again.state, again.error, again.failures)
    table.claim("w")
    with pytest.raises(ConflictError):
        table.retry(job.id)
    with pytest.raises(MissingError):
        table.retry("nobody")


def test_periodic_jobs_are_added_when_they_are_due(tmp_path, time_):
    ran = []
    with JobTable(tmp_path / "t.sqlite", time_.clock) as table:
        able = {"k": Bounded(lambda _: ran.append(time_.passed) or {}, every=100.0)}
        worker = Worker(table, able, "w", time_.clock)
        for _ in range(5):
            worker._sweep()
            worker.run_one()
            time_.passed += 61

    assert [0.0, 122.0, 244.0] == ran


def test_what_a_job_said_is_kept_up_to_a_point_and_goes_with_it(tmp_path, time_):
    with JobTable(tmp_path / "t.sqlite", time_.clock) as table:
        job = table.add("k", {})

        def talk(grip):
            for number in range(LINES_KEPT + 5):
                grip.log(f"line {number}")
            return {}

        Worker(table, {"k": talk}, "w", time_.clock).run_one()
        said = table.log(job, 2)
        everything = table.log(job, 10_000)
        time_.passed += 90_000

        assert [f"line {LINES_KEPT + 3}", f"line {LINES_KEPT + 4}"] == [text for _, text in said]
        assert LINES_KEPT == len(everything)
        assert [job] == table.sweep()
        with pytest.raises(MissingError):
            table.log(job)
        with closing(sqlite3.connect(tmp_path / "t.sqlite")) as raw:
            assert (0,) == raw.execute("SELECT count(*) FROM lines").fetchone()


def test_the_next_job_is_taken_along_and_given_back_at_the_end(table):
    jobs = [table.add("k", {}) for _ in range(3)]
    worker = None

    def once(grip):
        if grip.job.id == jobs[1]:
            worker.stop()
        return {}

    worker = Worker(table, {"k": once}, "w")
    worker.run()
    states = [table.get(job).state for job in jobs]

    assert [State.DONE, State.DONE, State.READY] == states
    assert 0 == table.get(jobs[2]).token


def test_pages_and_counts_and_filters(table):
    for kind in ("a", "a", "b"):
        table.add(kind, {})
    claimed = table.claim("w")
    table.finish(claimed, {})

    assert (3, 1) == (table.page(Wanted(), 1, 0)[0], len(table.page(Wanted(), 1, 2)[1]))
    assert 2 == table.page(Wanted("a"), 9, 0)[0]
    assert [claimed.id] == [each.id for each in table.page(Wanted("a", "done"), 9, 0)[1]]
    assert {("a", "done"): 1, ("a", "ready"): 1, ("b", "ready"): 1} == table.counts()
