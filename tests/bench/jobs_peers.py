# SPDX-License-Identifier: Apache-2.0
"""Our jobs beside bare RQ, on one Valkey: `python tests/bench/jobs_peers.py [JOBS]`.

Needs `valkey-server` or `redis-server`. In each round, one process adds so many jobs that do
nothing, one after the other, while another one runs them; the time is from the first added to the
last done. RQ runs them in its worker without forks (`SimpleWorker`), its fastest, with JSON, and
keeps nothing of them; ours keep a result each, in a table that outlives all processes. Rounds
alternate; the median counts. Also: how long a job waits for a worker that is idle.

Target: at least 0.8 x RQ, and 1,000 a second.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from beast_ops.jobs.bell import Ear
from beast_ops.jobs.kinds import QUICK
from beast_ops.jobs.model import State, Wanted
from beast_ops.jobs.noop import handler
from beast_ops.jobs.ringing import RingingTable, ringing
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Worker
from beast_ops.valkey import given
from tests.valkey_server import running

JOBS, ROUNDS, SINGLE = 2000, 3, 30
RATIO, TARGET = 0.8, 1000.0
DONE = "bench:done"


def nothing() -> None:
    """What RQ runs."""


def add_ours(path: Path, jobs: int) -> None:
    """Add *jobs* to the table at *path*, and ring."""
    with ringing(given()) as ring, RingingTable(path, ring) as table:
        for _ in range(jobs):
            table.add("noop", {})


def add_theirs(_: Path, jobs: int) -> None:
    """Add *jobs* to RQ's queue."""
    queue = Queue(connection=_client(), serializer=JSONSerializer)
    for _ in range(jobs):
        queue.enqueue(nothing, result_ttl=0)


def _client() -> Redis:
    found = given()
    assert found is not None
    return found.client(5)


def _adding(way: str, path: Path, jobs: int) -> subprocess.Popen[bytes]:
    code = f"from tests.bench import jobs_peers as b; from pathlib import Path; b.{way}"
    words = [sys.executable, "-c", f"{code}(Path({str(path)!r}), {jobs})"]
    return subprocess.Popen(words, env={**os.environ, "PYTHONPATH": "."})


def ours(folder: Path, jobs: int) -> float:
    """Return jobs a second of ours."""
    path = folder / f"{time.monotonic_ns()}.sqlite"
    through = given()
    assert through is not None
    with JobTable(path) as table, closing(Ear(through, QUICK)) as ear:
        worker = Worker(table, {"noop": handler(None)}, "bench")
        thread = threading.Thread(target=worker.run, kwargs={"ear": ear})
        thread.start()
        with _adding("add_ours", path, jobs):
            while not table.page(Wanted(), 1, 0)[0]:
                time.sleep(0.001)
            begun = time.perf_counter()
            while table.page(Wanted(state=State.DONE), 1, 0)[0] < jobs:
                time.sleep(0.02)
            seconds = time.perf_counter() - begun
        worker.stop()
        thread.join()
    return jobs / seconds


def theirs(folder: Path, jobs: int) -> float:
    """Return jobs a second of RQ."""
    client = _client()
    queue = Queue(connection=client, serializer=JSONSerializer)
    with _adding("add_theirs", folder, jobs):
        while not queue.count:
            time.sleep(0.001)
        worker = SimpleWorker([queue], connection=client, serializer=JSONSerializer)
        begun = time.perf_counter()
        worker.work(max_jobs=jobs, logging_level="ERROR")
        return jobs / (time.perf_counter() - begun)


def waits(folder: Path, *, listens: bool) -> float:
    """Return the median of milliseconds until an idle worker has done one job."""
    through, path = given(), folder / f"wait-{listens}.sqlite"
    assert through is not None
    with (
        ringing(through if listens else None) as ring,
        RingingTable(path, ring) as table,
        JobTable(path) as own,
        closing(Ear(through, QUICK)) as ear,
    ):
        worker = Worker(own, {"noop": handler(None)}, "bench")
        more = {"ear": ear} if listens else {}
        thread = threading.Thread(target=worker.run, kwargs=more)
        thread.start()
        found = []
        for number in range(SINGLE):
            time.sleep(0.1 + number * 0.007)  # at any moment between two looks
            begun = time.perf_counter()
            job = table.add("noop", {})
            while table.get(job).state is not State.DONE:
                time.sleep(0.0005)
            found.append((time.perf_counter() - begun) * 1000)
        worker.stop()
        thread.join()
    return round(statistics.median(found), 1)


def main() -> int:
    """Measure and print; return 1 if a target is missed."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    with tempfile.TemporaryDirectory() as text, running(Path(text) / "valkey") as server:
        os.environ.update(server.environment)
        rounds = [(ours(Path(text), jobs), theirs(Path(text), jobs)) for _ in range(ROUNDS)]
        wait = {
            "rung_for_ms": waits(Path(text), listens=True),
            "looking_ms": waits(Path(text), listens=False),
        }
    mine, other = (round(statistics.median(each)) for each in zip(*rounds, strict=True))
    found = {"jobs": jobs, "ours": mine, "rq": other, "ratio": round(mine / other, 2), **wait}
    print(json.dumps({**found, "target": {"ratio": RATIO, "ours": TARGET}}, indent=2))
    return 0 if mine >= RATIO * other and mine >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
