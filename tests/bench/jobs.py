# SPDX-License-Identifier: Apache-2.0
"""How many jobs a second: `python tests/bench/jobs.py [JOBS]`.

Jobs that do nothing, in a table on the disk of `TMPDIR`:

* `add`: one after the other by one client, each in a transaction of its own;
* `run`: a full queue, by one worker;
* `both`: added and run at the same time, by two processes, from the first added to the last done.

Each with the durability of the stack (what was answered outlives the end of every process) and,
for comparison, with a sync of the disk at each commit (it outlives a power cut, too).
Target: 1,000 a second in `both`, as the stack has it.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from beast_ops.database import Database
from beast_ops.jobs import table as tables
from beast_ops.jobs.model import State, Wanted
from beast_ops.jobs.noop import handler
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Worker

JOBS = 5000
TARGET = 1000.0
ADDING = """
import sys
from pathlib import Path
from tests.bench.jobs import added, opened
added(opened(Path(sys.argv[1]), sys.argv[2] == "True"), int(sys.argv[3]))
"""


def opened(path: Path, durable: bool) -> JobTable:  # noqa: FBT001 - a bench
    """Return the table at *path*."""
    tables.Database = lambda path, schema: Database(path, schema, durable=durable)  # type: ignore[assignment,misc] # a bench
    return JobTable(path)


def added(table: JobTable, jobs: int) -> float:
    """Add *jobs* jobs; return how many a second that were."""
    begun = time.perf_counter()
    for _ in range(jobs):
        table.add("noop", {})
    return jobs / (time.perf_counter() - begun)


def ran(table: JobTable, jobs: int) -> float:
    """Run until *jobs* are done; return how many a second that were."""
    worker = Worker(table, {"noop": handler(None)}, "bench")
    thread = threading.Thread(target=worker.run)
    begun = time.perf_counter()
    thread.start()
    while table.page(Wanted(state=State.DONE), 1, 0)[0] < jobs:
        time.sleep(0.02)
    seconds = time.perf_counter() - begun
    worker.stop()
    thread.join()
    return jobs / seconds


def measured(folder: Path, durable: bool, jobs: int) -> dict[str, float]:  # noqa: FBT001 - a bench
    """Return jobs a second of each way."""
    with opened(folder / "one.sqlite", durable) as table:
        found = {"add": added(table, jobs), "run": ran(table, jobs)}
    with opened(folder / "two.sqlite", durable) as table:
        words = [sys.executable, "-c", ADDING, str(folder / "two.sqlite"), str(durable), str(jobs)]
        with subprocess.Popen(words, env={**os.environ, "PYTHONPATH": "."}):
            while not table.page(Wanted(), 1, 0)[0]:
                time.sleep(0.001)
            found["both"] = ran(table, jobs)
    return {name: round(value) for name, value in found.items()}


def main() -> int:
    """Measure and print; return 1 if the target is missed."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    with tempfile.TemporaryDirectory() as folder:
        ours = measured(Path(folder), durable=False, jobs=jobs)
    with tempfile.TemporaryDirectory() as folder:
        synced = measured(Path(folder), durable=True, jobs=jobs // 10)
    print(json.dumps({"jobs": jobs, "stack": ours, "synced": synced, "target": TARGET}, indent=2))
    return 0 if ours["both"] >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
