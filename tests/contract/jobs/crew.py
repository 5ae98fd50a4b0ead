# SPDX-License-Identifier: Apache-2.0
"""Real worker processes on one job table, which note what they do; for tests that kill them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from beast_ops.database import Database
from beast_ops.database.look import looking

LEASE_SECONDS = 0.4
DEADLINE_SECONDS = 20.0

# A worker with a short lease, whose jobs note when they begin and, once, that they are done.
SCRIPT = """
import signal, sys, time
from pathlib import Path
from beast_ops.database import Database
from beast_ops.jobs import table as rooms, worker as workers
from beast_ops.valkey import given

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

through = given()
if through is None:
    ear = workers.PATIENCE
else:
    from beast_ops.jobs import bell
    bell.AGAIN_SECONDS = 0.5
    ear = bell.Ear(through, "quick")
worker = workers.Worker(Table(folder / "jobs.sqlite"), {"work": work}, name)
signal.signal(signal.SIGTERM, lambda *_: worker.stop())
print("up", flush=True)
worker.run(ear=ear)
"""
EFFECTS = (
    "CREATE TABLE begun (job TEXT, token INTEGER, UNIQUE (job, token))",
    "CREATE TABLE done (job TEXT PRIMARY KEY)",
)


class Crew:
    """Worker processes on one job table."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment}
        self.hired = 0
        self.processes: list[subprocess.Popen[bytes]] = []

    def hire(self, lease: float = LEASE_SECONDS) -> subprocess.Popen[bytes]:
        self.hired += 1
        process = subprocess.Popen(
            (sys.executable, "-c", SCRIPT, self.folder, f"worker-{self.hired}", str(lease)),
            stdout=subprocess.PIPE,
            env=self.environment,
        )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.communicate()
        self.processes.remove(process)


@contextmanager
def crew(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Crew]:
    with Database(folder / "effects.sqlite") as effects, effects.writing() as table:
        for words in EFFECTS:
            table.exec_driver_sql(words)
    hired = Crew(folder, environment or {})
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
