# SPDX-License-Identifier: Apache-2.0
"""Real workers, killed with SIGKILL at random moments: every job ends, each in one effect."""

import os
import random
import signal
import time
from pathlib import Path

from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable
from tests.contract.jobs.crew import DEADLINE_SECONDS, crew, rows, wait_for

JOBS = 12
WORKERS = 2


def test_every_job_survives_workers_that_are_killed(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance, not a secret
    with JobTable(tmp_path / "jobs.sqlite") as table, crew(tmp_path) as workers:
        names = [table.add("work", {"steps": chance.randint(5, 15)}) for _ in range(JOBS)]
        for _ in range(WORKERS):
            workers.hire()

        kills = 0
        deadline = time.monotonic() + DEADLINE_SECONDS
        while any(table.get(name).state is not State.DONE for name in names):
            assert time.monotonic() < deadline
            if kills < 2 * WORKERS and rows(tmp_path, "SELECT 1 FROM begun"):
                time.sleep(chance.uniform(0.05, 0.2))
                workers.kill(chance.choice(workers.processes))
                workers.hire()
                kills += 1
            time.sleep(0.02)

        begun = dict(rows(tmp_path, "SELECT job, MAX(token) FROM begun GROUP BY job"))
        assert kills == 2 * WORKERS
        assert {(name,) for name in names} == set(rows(tmp_path, "SELECT job FROM done"))
        # Who ended a job was the last to hold it: nobody wrote after losing it.
        assert begun == {name: (table.get(name).result or {})["token"] for name in names}


def test_a_killed_workers_job_goes_on_when_its_lease_is_over(tmp_path: Path) -> None:
    with JobTable(tmp_path / "jobs.sqlite") as table, crew(tmp_path) as workers:
        name = table.add("work", {"steps": 20})
        first = workers.hire()
        wait_for(lambda: table.get(name).progress)
        workers.kill(first)
        workers.hire()

        wait_for(lambda: table.get(name).state is State.DONE)

        assert [(1,), (2,)] == rows(tmp_path, "SELECT token FROM begun ORDER BY token")


def test_a_job_that_kills_its_workers_is_given_up_with_the_reason(tmp_path: Path) -> None:
    with JobTable(tmp_path / "jobs.sqlite") as table, crew(tmp_path) as workers:
        name = table.add("work", {"steps": 100_000})
        for attempt in range(1, 6):
            worker = workers.hire(lease=0.1)
            wait_for(lambda number=attempt: len(rows(tmp_path, "SELECT 1 FROM begun")) == number)
            workers.kill(worker)
        workers.hire(lease=0.1)

        wait_for(lambda: table.get(name).state is State.FAILED)

        assert "5 times" in (table.get(name).error or "")
        assert 5 == len(rows(tmp_path, "SELECT 1 FROM begun"))


def test_a_worker_that_was_stopped_and_comes_back_writes_nothing(tmp_path: Path) -> None:
    with JobTable(tmp_path / "jobs.sqlite") as table, crew(tmp_path) as workers:
        name = table.add("work", {"steps": 40})
        sleeper = workers.hire()
        wait_for(lambda: table.get(name).progress)
        sleeper.send_signal(signal.SIGSTOP)
        workers.hire()
        wait_for(lambda: table.get(name).state is State.DONE)
        sleeper.send_signal(signal.SIGCONT)
        table.add("work", {"steps": 0})
        wait_for(lambda: len(rows(tmp_path, "SELECT 1 FROM done")) == 2)

        assert {"token": 2} == table.get(name).result
        assert sleeper.poll() is None


def test_a_worker_that_is_asked_to_end_gives_its_job_back(tmp_path: Path) -> None:
    with JobTable(tmp_path / "jobs.sqlite") as table, crew(tmp_path) as workers:
        name = table.add("work", {"steps": 100_000})
        worker = workers.hire()
        wait_for(lambda: table.get(name).progress)

        os.kill(worker.pid, signal.SIGTERM)
        code = worker.wait(10)

        assert 0 == code
        assert State.READY is table.get(name).state
