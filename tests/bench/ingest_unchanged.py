# SPDX-License-Identifier: Apache-2.0
"""A folder in which nothing has changed: `python tests/bench/ingest_unchanged.py [DOCUMENTS]`.

Many small files, ingested once and then again and again, in turn with LangChain's way of doing
so: ours by a job for a folder of the host. Target: 20,000 documents per second, nothing embedded,
nothing written to the store. LangChain has a share of the documents: it reads each of them again.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2]))

from beast_ops import http  # noqa: E402 - the path is set just above
from beast_ops.vectors.testing import Server, running  # noqa: E402 - likewise
from tests.bench.ingest_peers import environment  # noqa: E402 - likewise

TARGET = 20_000.0
TURNS = 5
SHARE = 10  # LangChain has one document of so many
SECONDS = 580


def corpus(folder: Path, documents: int) -> None:
    """Write small files, a thousand to a folder."""
    for number in range(documents):
        inner = folder / f"{number // 1000:03}"
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{number:06}.txt").write_text(f"Note {number} of {documents}, of few words.")


def started(python: str, way: str, server: Server, folder: Path, scratch: Path) -> Any:
    """Return a process that ingests once, and again whenever it is told to."""
    script = str(HERE.with_name("ingest_again.py"))
    argv = [python, script, way, server.url, server.key, str(folder), str(scratch)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def turn(process: Any) -> dict[str, Any]:
    """Return what the next run of *process* came to."""
    process.stdin.write("\n")
    process.stdin.flush()
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def points(server: Server) -> list[Any]:
    """Return what the store says it has, in all collections."""
    with http.client(server.url, headers={"api-key": server.key}) as client:
        names = client.get("/collections").json()["result"]["collections"]
        counts = []
        for each in names:
            count = client.post(f"/collections/{each['name']}/points/count", json={"exact": True})
            counts.append((each["name"], count.json()["result"]["count"]))
        return counts


def main(documents: int = 50_000) -> dict[str, Any]:
    """Return documents per second, the median of `TURNS` runs of each, in turn."""
    peers = environment()
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        place = Path(scratch)
        corpus(place / "ours", documents)
        corpus(place / "langchain", documents // SHARE)
        took: dict[str, list[dict[str, Any]]] = {"ours": [], "langchain": []}
        with running(place / "v1") as one, running(place / "v2") as two:
            ways = {
                "ours": started(sys.executable, "ours", one, place / "ours", place / "s1"),
                "langchain": started(
                    str(peers), "langchain", two, place / "langchain", place / "s2"
                ),
            }
            first = {way: turn(process) for way, process in ways.items()}
            before = points(one)
            for _ in range(TURNS):
                for way, process in ways.items():
                    took[way].append(turn(process))
            assert before == points(one)
            for process in ways.values():
                process.stdin.close()
                process.wait(30)
    rate = {way: [run["documents"] / run["seconds"] for run in runs] for way, runs in took.items()}
    median = {way: round(statistics.median(rates)) for way, rates in rate.items()}
    return {
        "documents": documents,
        "first_documents_per_s": {
            way: round(run["documents"] / run["seconds"]) for way, run in first.items()
        },
        "documents_per_s": median,
        "documents_per_processor_s": {
            way: round(
                statistics.median(run["documents"] / run["processor_seconds"] for run in runs)
            )
            for way, runs in took.items()
        },
        "best": {way: round(max(rates)) for way, rates in rate.items()},
        "calls_that_write": [run["writes"] for run in took["ours"]],
        "times_langchain": round(median["ours"] / median["langchain"], 1),
        "load": os.getloadavg(),
        "met": median["ours"] >= TARGET and not any(run["writes"] for run in took["ours"]),
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:2])), indent=2))
