# SPDX-License-Identifier: Apache-2.0
"""Slowest requests of the API while others work: `python tests/bench/api_p99.py [CHUNKS]`.

The real API, vector and worker processes over loopback, filled as in `api_search.py`. Asked one
after the other, a search and a typed route: while the store optimises itself (once it was filled
and left alone), while nobody else works, and while the worker ingests documents. Target: the
99th percentile is then at most five times that of idle.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import api_live as live
import api_search as corpus
from vectors_corpus import finished

from beast_ops import http
from beast_ops.client import Client, Where
from beast_ops.vectors.testing import running

TIMES = 5.0
IDLE_SECONDS = 10.0
MORE = 3000  # passages of an ingestion, a document of a few each
LIMIT_SECONDS = 600.0


@contextmanager
def worker(environ: dict[str, str], folder: Path) -> Iterator[None]:
    """Run the worker, which makes the vectors that the corpus has."""
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({"embedder": "hash"}))
    process = subprocess.Popen(
        [sys.executable, "-m", "beast_ops.jobs"],
        env={**os.environ, **environ, "BEAST_CONFIG": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def ingestion(client: Client, passages: list[str]) -> str:
    """Send documents and start their job; return its id."""
    documents = [f"# {n}\n\n{passage}\n".encode() for n, passage in enumerate(passages)]
    listed = [
        {"source": f"file://host/more/{n}.md", "size": len(each), "mtime_ns": 1}
        for n, each in enumerate(documents)
    ]
    opened = client.ingest.open({"collection": "docs", "documents": listed})
    for index in opened["wanted"]:
        client.ingest.send(opened["job"], index, [documents[index]])
    client.ingest.start(opened["job"])
    return opened["job"]


def asked(
    api: http.Client, passages: list[str], going_on: Callable[[], bool]
) -> dict[str, dict[str, float]]:
    """Return percentiles in milliseconds of requests, one after the other, for as long as it is."""
    took: dict[str, list[float]] = {"search": [], "typed": []}
    texts = corpus.queries(passages)
    number = 0
    while going_on() or number < len(texts) // 4:
        number += 1
        query = texts[number % len(texts)]
        took["search"].append(timed(lambda: api.post("/search", json={"query": query})))  # noqa: B023 - called at once
        took["typed"].append(timed(lambda: api.get("/session")))
        time.sleep(0.005)  # as people do, they leave room for others
    return {
        name: {**corpus.percentiles(each), "requests": len(each)} for name, each in took.items()
    }


def timed(ask: Callable[[], http.Response]) -> float:
    begun = time.perf_counter()
    ask().raise_for_status()
    return (time.perf_counter() - begun) * 1000


def is_optimizing(store: http.Client) -> Callable[[], bool]:
    """Return what tells whether the store has not finished optimising itself yet."""
    begun = time.perf_counter()

    def told() -> bool:
        if time.perf_counter() - begun > LIMIT_SECONDS:
            raise TimeoutError("no optimisation finished")
        return finished(store) == 0

    return told


def measured(name: str, size: int, more: int) -> dict[str, Any]:
    passages = corpus.texts(size + more)
    folder = Path(name)
    with (
        running(folder / "v", optimize_points=10 * size) as vectors,
        http.client(vectors.url, headers={"api-key": vectors.key}, seconds=120) as store,
    ):
        corpus.fill(store, passages[:size])
        argv, port, environ = live.ours(folder / "root", vectors.url, vectors.key)
        with (
            live.process(argv, port, environ) as address,
            worker(environ, folder / "worker"),
            http.client(address, headers={"authorization": "Bearer a"}, seconds=60) as api,
            Client(Where(address, "a")) as client,
        ):
            optimizing = asked(api, passages, is_optimizing(store))
            begun = time.perf_counter()
            idle = asked(api, passages, lambda: time.perf_counter() - begun < IDLE_SECONDS)
            jobs: list[str] = []
            sender = threading.Thread(
                target=lambda: jobs.append(ingestion(client, passages[size:]))
            )
            sender.start()
            ingesting = asked(api, passages, lambda: not jobs or not done(client, jobs[0]))
            sender.join()
    return {"idle": idle, "ingesting": ingesting, "optimizing": optimizing}


def done(client: Client, job: str) -> bool:
    """Return whether *job* is.

    Raises:
        RuntimeError: If it failed.
    """
    state = client.jobs.get(job)["state"]
    if state in {"failed", "cancelled"}:
        raise RuntimeError(state)
    return state == "done"


def main(size: int = 50_000, more: int = MORE) -> dict[str, Any]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as name:
        found = measured(name, size, more)
    times = {
        phase: {
            route: round(found[phase][route]["p99"] / found["idle"][route]["p99"], 2)
            for route in found["idle"]
        }
        for phase in ("ingesting", "optimizing")
    }
    worst = max(each for phase in times.values() for each in phase.values())
    return {
        "summary": {"times_idle_p99": times, "target": TIMES, "met": worst <= TIMES},
        "milliseconds": found,
        "chunks": size,
        "load": os.getloadavg(),
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:])), indent=2))
