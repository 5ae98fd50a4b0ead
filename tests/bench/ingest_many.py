# SPDX-License-Identifier: Apache-2.0
"""Very many small documents: `python tests/bench/ingest_many.py [DOCUMENTS] [SECONDS]`.

A worker in a process of its own reads them from a folder; measured every ten thousand documents:
documents per second, of the clock and of the worker's processor, and the worker's memory. Ends
after so many seconds at the latest. Targets: less than 600 MB, and no slowdown with size beyond
a logarithm: the last ten thousand take at most 1.5 times the processor time of the second.
"""

import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2]))

from beast_ops.ingest.run import Run  # noqa: E402 - the path is set just above
from beast_ops.ingest.settings import Surroundings, WorkerSettings  # noqa: E402 - likewise
from beast_ops.jobs.table import JobTable  # noqa: E402 - likewise
from beast_ops.jobs.worker import Worker  # noqa: E402 - likewise
from beast_ops.vectors.testing import running  # noqa: E402 - likewise
from tests.bench.ingest_unchanged import corpus  # noqa: E402 - likewise

STEP = 10_000
MOST_MB, SLOWER = 600.0, 1.5
LOOK_SECONDS = 0.25
TICKS = os.sysconf("SC_CLK_TCK")


def work(around: Surroundings) -> None:
    """Be the worker."""
    run = Run(around)
    with JobTable(around.jobs) as table:
        Worker(table, {"ingest": run}, "bench", tidy=run.tidy).run_one()


def memory(pid: int, name: str) -> float:
    """Return what *name* of the status of a process says, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def processor(pid: int) -> float:
    """Return the processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def watch(process: Any, table: JobTable, job: str, seconds: float) -> list[dict[str, float]]:
    """Return what was measured each `STEP` documents until the job ends, or time is up."""
    steps: list[dict[str, float]] = []
    begun = then = time.monotonic()
    spent, wanted = 0.0, STEP
    while process.is_alive() and time.monotonic() - begun < seconds:
        time.sleep(LOOK_SECONDS)
        if int(table.get(job).progress.get("done", 0)) >= wanted and process.is_alive():
            now, used = time.monotonic(), processor(process.pid)
            steps.append(
                {
                    "documents": wanted,
                    "per_s": round(STEP / (now - then)),
                    "per_processor_s": round(STEP / (used - spent)),
                    "rss_mb": round(memory(process.pid, "VmRSS"), 1),
                    "most_mb": round(memory(process.pid, "VmHWM"), 1),
                    "load": round(os.getloadavg()[0], 1),
                }
            )
            then, spent, wanted = now, used, wanted + STEP
    return steps


def main(documents: int = 100_000, seconds: float = 480.0) -> dict[str, Any]:
    """Return the figures."""
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        place = Path(scratch)
        corpus(place / "corpus", documents)
        with running(place / "vectors") as server:
            around = Surroundings(
                place / "root" / "data" / "1",
                WorkerSettings(embedder="hash"),
                server.url,
                server.key,
                None,
            )
            with JobTable(around.jobs) as table:
                payload = {"collection": "docs", "folder": str(place / "corpus")}
                job = table.add("ingest", payload)
                process = multiprocessing.get_context("spawn").Process(target=work, args=(around,))
                process.start()
                steps = watch(process, table, job, seconds)
                ended = table.get(job)
                process.kill()
                process.join()
    pace = [step["per_processor_s"] for step in steps]
    return {
        "documents": documents,
        "state": ended.state,
        "steps": steps,
        "met": max(step["most_mb"] for step in steps) < MOST_MB
        and (len(pace) < 3 or pace[1] / pace[-1] <= SLOWER),
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:3])), indent=2))
