# SPDX-License-Identifier: Apache-2.0
"""Real workers, killed with SIGKILL at random moments: every job ends, each in one effect."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beast_ops.database import Database
from beast_ops.database.look import looking
from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable

JOBS = 12
WORKERS = 2
LEASE_SECONDS = 0.4
DEADLINE_SECONDS = 20.0

# A worker with a short lease, whose jobs note when they begin and, once, that they are done.
SCRIPT = """
import signal, sys, time
from pathlib import Path
from beast_ops.database import Database
from beast_ops.jobs import table as rooms, worker as workers

folder, name, lease = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
workers.HEARTBEAT_SECONDS = lease / 4
workers.LOOK_SECONDS = 0.02

class Table(rooms.JobTable):
    def claim(self, owner, lease_seconds=lease):
        return super().claim(owner, lease_seconds)
    def finish_for(self, job, result, owner, lease_seconds=lease):
        return super().finish_for(job, result, owner, lease_seconds)
    def heartbeat(self, job, lease_seconds=lease):
        return super().heartbeat(job, lease_seconds)

effects = Database(folder / "effects.sqlite")

def work(grip):
    with effects.writing() as table:
        table.exec_driver_sql("INSERT INTO begun VALUES (?, ?)", (grip.job.id, grip.job.token))
    for step in range(int(grip.job.payload["steps"])):
        time.sleep(0.01)
        grip.say({"step": step})
    with effects.writing() as table:
        table.exec_driver_sql("INSERT OR IGNORE INTO done VALUES (?)", (grip.job.id,))
    return {"token": grip.job.token}

worker = workers.Worker(Table(folder / "jobs.sqlite"), {"work": work}, name)
signal.signal(signal.SIGTERM, lambda *_: worker.stop())
print("up", flush=True)
worker.run()
"""
EFFECTS = (
    "CREATE TABLE begun (job TEXT, token INTEGER, UNIQUE (job, token))",
    "CREATE TABLE done (job TEXT PRIMARY KEY)",
)


class Crew:
    """Worker processes on one job table."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hired = 0
        self.processes: list[subprocess.Popen[bytes]] = []

    def hire(self, lease: float = LEASE_SECONDS) -> subprocess.Popen[bytes]:
        self.hired += 1
        process = subprocess.Popen(
            (sys.executable, "-c", SCRIPT, self.folder, f"worker-{self.hired}", str(lease)),
            stdout=subprocess.PIPE,
        )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.communicate()
        self.processes.remove(process)


@contextmanager
def crew(folder: Path) -> Iterator[Crew]:
    with Database(folder / "effects.sqlite") as effects, effects.writing() as table:
        for words in EFFECTS:
            table.exec_driver_sql(words)
    hired = Crew(folder)
    try:
        yield hired
    finally:
        for process in list(hired.processes):
            hired.kill(process)


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with looking(folder / "effects.sqlite") as table:
        return [tuple(row) for row in table.execute(query)]


def wait_for(condition: object, seconds: float = DEADLINE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator] # any callable
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


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
