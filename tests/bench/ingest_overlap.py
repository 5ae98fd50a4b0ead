# SPDX-License-Identifier: Apache-2.0
"""How well the stages of an ingestion overlap: `python tests/bench/ingest_overlap.py [REPEATS]`.

A model server that sleeps for each batch of 32 texts and answers four requests at once; the same
documents without a model server at all. The slowest stage is the longer of what the server needs
at least (requests x delay / 4) and of the run without it; its share of the run with both is the
efficiency. Target: at least 0.9, whatever the delay.
"""

import json
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2]))

from beast_ops.ingest.intake import Intake  # noqa: E402 - the path is set just above
from beast_ops.ingest.run import Run  # noqa: E402 - likewise
from beast_ops.ingest.settings import Surroundings, WorkerSettings  # noqa: E402 - likewise
from beast_ops.jobs.table import JobTable  # noqa: E402 - likewise
from beast_ops.jobs.worker import Worker  # noqa: E402 - likewise
from beast_ops.vectors.testing import Server, running  # noqa: E402 - likewise
from tests.bench.ingest_peers import corpus  # noqa: E402 - likewise

AT_ONCE = 4
DELAYS = (0.010, 0.040, 0.160)
DIMENSION = 64
TARGET = 0.9


def main(repeats: int = 3) -> dict[str, Any]:
    """Return the efficiency at each delay, the median of *repeats* runs."""
    told: dict[str, Any] = {"target": TARGET}
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        folder = Path(scratch)
        corpus(folder / "corpus")
        for delay in DELAYS:
            runs = [one(folder, f"{delay}-{number}", delay) for number in range(repeats)]
            shares = [max(run["server"], run["alone"]) / run["both"] for run in runs]
            told[f"{delay * 1000:.0f} ms"] = {
                "efficiency": round(statistics.median(shares), 3),
                "runs": [{name: round(value, 3) for name, value in run.items()} for run in runs],
            }
    return told


def one(folder: Path, name: str, delay: float) -> Mapping[str, float]:
    """Return the seconds of a run without a model server, of one with it, and what it needs."""
    alone = ingested(folder, f"{name}-alone", None)
    asked = multiprocessing.Value("i", 0)
    port = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(delay, asked, port), daemon=True)
    server.start()
    try:
        both = ingested(folder, f"{name}-both", f"http://127.0.0.1:{port.get(timeout=30)}")
    finally:
        server.kill()
        server.join()
    return {"alone": alone, "both": both, "server": asked.value * delay / AT_ONCE}


def ingested(folder: Path, name: str, models_url: str | None) -> float:
    """Return the seconds one ingestion takes, in a process that did it once before."""
    place = folder / name
    with running(place / "vectors") as vectors:
        around = surroundings(place, vectors, models_url)
        intake = Intake(around.data)
        job = intake.open_folder("docs", folder / "corpus")
        intake.close()
        run = Run(around)
        with JobTable(around.jobs) as table:
            begun = time.monotonic()
            Worker(table, {"ingest": run}, "bench").run_one()
            seconds = time.monotonic() - begun
            done = table.get(job)
    if done.result is None or done.result["documents"]["failed"]:
        raise RuntimeError(f"the ingestion failed: {done.error or done.result}")
    return seconds


def surroundings(place: Path, vectors: Server, models_url: str | None) -> Surroundings:
    """Return the surroundings of a worker that embeds with the server at *models_url*."""
    embedder = "ollama" if models_url else "none"
    settings = WorkerSettings(embedder=embedder, embed_at_once=AT_ONCE)
    return Surroundings(place / "data" / "1", settings, vectors.url, vectors.key, models_url)


def serve(delay: float, asked: Any, port: Any) -> None:
    """Answer `/api/embed` after *delay* seconds, four requests at once, and count them."""
    turn = threading.BoundedSemaphore(AT_ONCE)
    row = [1.0] + [0.0] * (DIMENSION - 1)

    class Sleeping(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else the body waits 40 ms for the head to be acknowledged

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            texts = json.loads(self.rfile.read(length))["input"]
            count = len(texts) if isinstance(texts, list) else 1
            with turn:
                time.sleep(delay)
            with asked.get_lock():
                asked.value += 1
            body = json.dumps({"embeddings": [row] * count}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sleeping)
    port.put(server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3), indent=2))
