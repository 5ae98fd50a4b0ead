# SPDX-License-Identifier: Apache-2.0
"""Workers, who adds jobs, and Valkey itself, killed at random moments: nothing is lost or doubled.

What counts as added is what was said to be; what counts as done is what took effect.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beast_ops.jobs.model import State
from beast_ops.jobs.table import LEASE_SECONDS, JobTable
from tests.contract.jobs.crew import crew, rows, wait_for
from tests.valkey_server import Server

ENOUGH, KILLS = 60, 3
DEADLINE_SECONDS = 90.0
RESTART_SECONDS = 60.0

# Adds one job after the other, and says so once each is added; as the API does it.
ADDER = """
import os, sys, time
from pathlib import Path
from beast_ops.jobs.ringing import RingingTable, ringing
from beast_ops.valkey import given

with ringing(given()) as ring, RingingTable(Path(sys.argv[1]) / "jobs.sqlite", ring) as table:
    while True:
        name = table.add("work", {"steps": 2})
        os.write(1, f"{name}\\n".encode())  # whole, or not at all
        time.sleep(0.05)
"""


class Adder:
    """A process that adds jobs, and what it said it has added, also before it was killed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._words = (sys.executable, "-c", ADDER, folder)
        self._environment = {**os.environ, **environment}
        self._said = folder / "added.txt"
        self.start()

    def start(self) -> None:
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(self._words, stdout=said, env=self._environment)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def added(self) -> list[str]:
        return self._said.read_text().split()


@contextmanager
def adding(folder: Path, environment: dict[str, str]) -> Iterator[Adder]:
    adder = Adder(folder, environment)
    try:
        yield adder
    finally:
        adder.kill()


def test_nothing_is_lost_or_done_twice_whoever_is_killed(
    server: Server, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance, not a secret
    killed = {"worker": 0, "adder": 0, "valkey": 0}
    with (
        JobTable(tmp_path / "jobs.sqlite") as table,
        crew(tmp_path, server.environment) as workers,
        adding(tmp_path, server.environment) as adder,
    ):
        for _ in range(2):
            workers.hire()
        wait_for(lambda: rows(tmp_path, "SELECT 1 FROM done"))
        for who in chance.sample(sorted(killed) * KILLS, len(killed) * KILLS):
            busy = len(adder.added)
            if who == "worker":
                workers.kill(chance.choice(workers.processes))
                workers.hire()
            elif who == "adder":
                adder.kill()
                adder.start()
            else:
                server.kill()
                time.sleep(chance.uniform(0.1, 0.5))
                server.start()
            killed[who] += 1
            time.sleep(chance.uniform(0.3, 1.0))
            wait_for(lambda busy=busy: len(adder.added) > busy)  # between first and last write
        wait_for(lambda: len(adder.added) >= ENOUGH, DEADLINE_SECONDS)
        adder.kill()
        added = adder.added
        wait_for(lambda: all(table.get(each).state is State.DONE for each in added), 60)

        done = {str(job) for (job,) in rows(tmp_path, "SELECT job FROM done")}
        last = dict(rows(tmp_path, "SELECT job, MAX(token) FROM begun GROUP BY job"))

    assert dict.fromkeys(killed, KILLS) == killed
    assert len(set(added)) == len(added) >= ENOUGH
    assert set(added) <= done
    # One that was killed may have added one that it could not tell of any more.
    assert len(done) <= len(added) + KILLS + 1
    with JobTable(tmp_path / "jobs.sqlite") as table:
        assert all(last[each] == (table.get(each).result or {})["token"] for each in added)


def test_a_killed_workers_job_is_begun_anew_within_a_minute(server: Server, tmp_path: Path) -> None:
    with (
        JobTable(tmp_path / "jobs.sqlite") as table,
        crew(tmp_path, server.environment) as workers,
    ):
        name = table.add("work", {"steps": 500})
        first = workers.hire(LEASE_SECONDS)  # with the times of the stack
        wait_for(lambda: table.get(name).progress)
        workers.hire(LEASE_SECONDS)
        time.sleep(1)
        workers.kill(first)
        killed = time.monotonic()

        wait_for(lambda: len(rows(tmp_path, "SELECT 1 FROM begun")) == 2, RESTART_SECONDS)
        took = time.monotonic() - killed

    print(f"begun anew after {took:.1f} s")
    assert took < RESTART_SECONDS / 2  # the lease, and a look
