# SPDX-License-Identifier: Apache-2.0
"""The job table: nothing lost, nothing held twice, whatever falls silent."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops.clock import Clock
from beast_ops.errors import ConflictError, LeaseLostError, MissingError
from beast_ops.jobs.model import ATTEMPTS, Lane, Priority, State
from beast_ops.jobs.table import KEEP_SECONDS, LEASE_SECONDS, JobTable


class Hands:
    """A clock that moves when it is told to."""

    def __init__(self):
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def clock(self):
        return Clock(now=lambda: self.at)

    def move(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def table(tmp_path, hands):
    with JobTable(tmp_path / "jobs.sqlite", hands.clock()) as opened:
        yield opened


def test_the_oldest_ready_job_is_handed_out_first(table, hands):
    first = table.add("ingest", {"n": 1})
    hands.move(1)
    second = table.add("ingest", {"n": 2})

    assert [first, second] == [table.claim("a").id, table.claim("b").id]
    assert table.claim("c") is None


def test_a_more_urgent_job_comes_first_and_among_equals_the_oldest(table, hands):
    jobs = []
    for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.NORMAL, Priority.HIGH):
        jobs.append(table.add("ingest", {}, priority=priority))
        hands.move(1)

    claimed = [table.claim("a") for _ in jobs]

    assert [jobs[place] for place in (2, 4, 1, 3, 0)] == [job.id for job in claimed]
    assert ["high", "high", "normal", "normal", "low"] == [job.priority for job in claimed]


def test_what_a_dead_worker_held_comes_after_what_is_more_urgent(table, hands):
    old = table.add("ingest", {}, priority=Priority.LOW)
    table.claim("dead")
    hands.move(LEASE_SECONDS + 1)
    urgent = table.add("ingest", {}, priority=Priority.HIGH)

    assert [urgent, old] == [table.claim("a").id, table.claim("a").id]


def test_a_job_knows_whether_a_more_urgent_one_waits_in_its_lane(tmp_path, hands):
    with JobTable(tmp_path / "jobs.sqlite", hands.clock(), Lane(but=("long",))) as table:
        table.add("ingest", {})
        mine = table.claim("a")
        table.add("ingest", {})
        table.add("ingest", {}, priority=Priority.HIGH, held=True)
        table.add("long", {}, priority=Priority.HIGH)
        assert not table.is_outranked(mine)
        table.add("ingest", {}, priority=Priority.HIGH)

        assert table.is_outranked(mine)


def test_a_held_job_waits_until_it_is_released(table):
    job = table.add("ingest", {}, held=True)

    assert table.claim("a") is None
    table.release(job)
    assert job == table.claim("a").id


def test_a_job_is_released_only_once(table):
    job = table.add("ingest", {}, held=True)
    table.release(job)

    with pytest.raises(ConflictError):
        table.release(job)
    with pytest.raises(MissingError):
        table.release("nobody")


def test_a_silent_worker_loses_its_job_and_may_not_write_any_more(table, hands):
    table.add("ingest", {})
    old = table.claim("a")
    hands.move(LEASE_SECONDS + 1)
    new = table.claim("b")

    assert (old.id, old.token + 1) == (new.id, new.token)
    for write in (
        lambda: table.heartbeat(old),
        lambda: table.progress(old, {}),
        lambda: table.finish(old, {}),
        lambda: table.fail(old, "no"),
        lambda: table.give_back(old),
        lambda: table.stop(old),
    ):
        with pytest.raises(LeaseLostError):
            write()
    table.finish(new, {"chunks": 3})
    assert (State.DONE, {"chunks": 3}) == (table.get(new.id).state, table.get(new.id).result)


def test_a_heartbeat_keeps_the_job(table, hands):
    table.add("ingest", {})
    job = table.claim("a")
    for _ in range(5):
        hands.move(LEASE_SECONDS - 1)
        table.heartbeat(job)

    assert table.claim("b") is None


def test_a_job_that_takes_every_worker_with_it_fails_with_the_reason(table, hands):
    job = table.add("ingest", {})
    for _ in range(ATTEMPTS):
        assert table.claim("a").id == job
        hands.move(LEASE_SECONDS + 1)

    assert table.claim("a") is None
    assert State.FAILED == table.get(job).state
    assert "5 times" in table.get(job).error


def test_a_job_given_back_counts_as_no_attempt(table):
    job = table.add("ingest", {})
    for _ in range(3 * ATTEMPTS):
        table.give_back(table.claim("a"))

    assert State.READY == table.get(job).state


def test_cancelling_a_waiting_job_ends_it_and_a_running_one_is_told(table):
    waiting, running = table.add("ingest", {}, held=True), table.add("ingest", {})
    held = table.claim("a")
    table.cancel(waiting)
    table.cancel(running)

    assert State.CANCELLED == table.get(waiting).state
    assert table.heartbeat(held) is True
    table.stop(held)
    assert State.CANCELLED == table.get(running).state
    with pytest.raises(ConflictError):
        table.cancel(running)


def test_results_are_kept_for_a_day_and_running_jobs_for_ever(table, hands):
    done = table.add("ingest", {})
    hands.move(1)
    running = table.add("ingest", {})
    table.finish(table.claim("a"), {})
    table.claim("a", lease_seconds=10 * KEEP_SECONDS)
    hands.move(KEEP_SECONDS - 1)

    assert [] == table.sweep()
    hands.move(2)
    assert [done] == table.sweep()
    assert State.RUNNING == table.get(running).state


def test_a_job_that_is_still_sent_documents_is_not_swept(table, hands):
    kept, left = table.add("k", {}, held=True), table.add("k", {}, held=True)
    for _ in range(3):
        hands.move(KEEP_SECONDS / 2)
        table.keep(kept)
    table.keep("unknown")

    assert [left] == table.sweep()
    hands.move(KEEP_SECONDS + 1)
    assert [kept] == table.sweep()


def test_jobs_outlive_the_process_that_added_them(tmp_path, hands):
    with JobTable(tmp_path / "jobs.sqlite", hands.clock()) as table:
        job = table.add("ingest", {"folder": "/a"})
    with JobTable(tmp_path / "jobs.sqlite", hands.clock()) as table:
        assert {"folder": "/a"} == table.get(job).payload


def test_a_cancelled_job_whose_worker_fell_silent_is_not_handed_out_again(table, hands):
    job = table.add("k", {})
    table.claim("w")
    table.cancel(job)
    hands.move(LEASE_SECONDS + 1)

    assert table.claim("w") is None
    assert State.CANCELLED == table.get(job).state


def test_a_clock_that_is_put_back_strands_no_job(table, hands):
    table.add("k", {})
    first = table.claim("w")
    hands.move(-86_400)

    second = table.claim("v")

    assert second is not None
    assert first.token + 1 == second.token


def test_lists_leave_out_results(table):
    table.add("k", {})
    table.finish(table.claim("w"), {"large": "x"})

    assert [None] == [job.result for job in table.newest()]


def test_many_workers_share_the_jobs_without_overlap(tmp_path):
    """Real processes, real file: each job is claimed exactly once."""
    path = tmp_path / "jobs.sqlite"
    with JobTable(path) as table:
        added = {table.add("k", {"n": n}) for n in range(60)}
    program = (
        "import sys; from pathlib import Path; from beast_ops.jobs.table import JobTable\n"
        "table = JobTable(Path(sys.argv[1]))\n"
        "while (job := table.claim(sys.argv[2])) is not None:\n"
        "    print(job.id); table.finish(job, {})\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), f"w{n}"], stdout=subprocess.PIPE, text=True
        )
        for n in range(3)
    ]
    claimed = [line for worker in workers for line in worker.communicate(timeout=30)[0].split()]

    assert sorted(added) == sorted(claimed)


def test_what_a_killed_worker_held_is_handed_out_as_soon_as_it_is_back(table, hands):
    mine = table.add("ingest", {})
    hands.move(1)
    others = table.add("ingest", {})
    table.claim("a")
    table.claim("b")
    assert table.claim("a") is None

    table.reclaim("a")

    assert mine == table.claim("a").id
    assert table.claim("a") is None
    assert State.RUNNING == table.get(others).state


def test_a_worker_that_lives_on_under_the_same_name_may_not_write_any_more(table):
    table.add("ingest", {})
    old = table.claim("a")
    table.reclaim("a")
    new = table.claim("a")

    with pytest.raises(LeaseLostError):
        table.finish(old, {})
    table.finish(new, {})
