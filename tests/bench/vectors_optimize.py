# SPDX-License-Identifier: Apache-2.0
"""Queries while a collection is optimised and written: `python tests/bench/vectors_optimize.py`.

Target: the 99th percentile of queries during the optimisation is at most five times that of an
idle process. Nothing written meanwhile may be lost.
"""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import vectors_corpus as common

from beast_ops.vectors.testing import running

LIMIT_SECONDS = 300.0
IDLE_SECONDS = 4.0  # shorter than the quiet that starts an optimisation
BATCH, PAUSE = 32, 0.1  # what is written meanwhile: 32 chunks ten times a second
SPARE = 10_240  # chunks to write meanwhile; after the last the first is written again
BEGIN = 1000  # chunks written besides before the optimisation starts
TIMES = 5.0


def main(size: int = 50_000) -> dict[str, Any]:
    """Return the figures."""
    chunks = common.corpus(size + SPARE)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), optimize_points=size + BEGIN) as server,
        common.client(server) as http,
    ):
        common.create(http)
        common.write(http, chunks, range(size))
        begun = time.perf_counter()
        idle = _ask(http, chunks, lambda: time.perf_counter() - begun < IDLE_SECONDS)
        writer = Writer(server, chunks, size)
        writer.start()
        writing = _ask(http, chunks, lambda: writer.written < BEGIN)
        begun = time.perf_counter()
        during = _ask(http, chunks, lambda: not _done(http, begun))
        optimizing = time.perf_counter() - begun
        expected = size + min(writer.stop(), SPARE)
        count = http.post(f"/collections/{common.COLLECTION}/points/count", json={}).json()
        after = _ask(http, chunks, _once(200))
    return {
        "chunks": size,
        "idle_ms": common.milliseconds(idle),
        "writing_ms": common.milliseconds(writing),
        "optimizing_and_writing_ms": common.milliseconds(during),
        "optimized_ms": common.milliseconds(after),
        "optimizing_s": round(optimizing, 1),
        "slowest_write_ms": round(writer.slowest * 1e3, 1),
        "written_meanwhile": writer.written,
        "lost": expected - count["result"]["count"],
        "ratio_p99": (ratio := round(_p99(during) / _p99(idle), 2)),
        "met": ratio <= TIMES and expected == count["result"]["count"],
        **common.circumstances(),
    }


class Writer(threading.Thread):
    """Writes chunks all the time, as an ingestion would."""

    def __init__(self, server: Any, chunks: common.Corpus, first: int) -> None:
        super().__init__()
        self._http, self._chunks = common.client(server), chunks
        self._first, self.written, self.slowest = first, 0, 0.0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(PAUSE):
            start = self._first + self.written % SPARE
            rows = range(start, start + BATCH)
            self.slowest = max(self.slowest, common.write(self._http, self._chunks, rows))
            self.written += BATCH

    def stop(self) -> int:
        self._over.set()
        self.join()
        self._http.close()
        return self.written


def _ask(http: Any, chunks: common.Corpus, going_on: Callable[[], bool]) -> list[float]:
    encoder, took, n = common.bm25(), [], 0
    while going_on():
        for _ in range(10):
            body = common.hybrid(chunks, n * 97 % 10_000, encoder)
            begun = time.perf_counter()
            answer = http.post(f"/collections/{common.COLLECTION}/points/query", json=body)
            took.append(time.perf_counter() - begun)
            answer.raise_for_status()
            n += 1
    return took


def _done(http: Any, begun: float) -> bool:
    if time.perf_counter() - begun > LIMIT_SECONDS:
        raise TimeoutError("the optimisation did not finish")
    return common.finished(http) > 0


def _once(batches: int) -> Callable[[], bool]:
    left = iter(range(batches))
    return lambda: next(left, None) is not None


def _p99(seconds: list[float]) -> float:
    return common.milliseconds(seconds)["p99"]


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000), indent=2))
