# SPDX-License-Identifier: Apache-2.0
"""Hybrid search through the vector process: `python tests/bench/vectors_search.py [CHUNKS]`.

Targets at 100,000 chunks: hybrid p95 below 30 ms, dense recall@10 at least 0.98 against exact.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import vectors_corpus as common

from beast_ops.vectors.testing import running

QUERIES = 500
OPTIMIZE_SECONDS = 300.0
P95_MS, RECALL = 30.0, 0.98


def main(size: int = 100_000) -> dict[str, Any]:
    """Return the figures."""
    chunks = common.corpus(size)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), optimize_points=size * 10) as server,
        common.client(server) as http,
    ):
        common.create(http)
        written = common.write(http, chunks, range(size))
        flat = _latencies(http, chunks)
        optimized = common.wait_optimized(http, OPTIMIZE_SECONDS)
        figures = _latencies(http, chunks)
        recall = _recall(http, chunks)
    return {
        "chunks": size,
        "points_per_second": round(size / written),
        "optimized_after_s": round(optimized, 1),
        "hybrid_before_optimization_ms": flat,
        "hybrid_ms": figures,
        "dense_recall_at_10": recall,
        "met": figures["p95"] < P95_MS and recall >= RECALL,
        **common.circumstances(),
    }


def _latencies(http: Any, chunks: common.Corpus) -> dict[str, float]:
    encoder = common.bm25()
    bodies = [common.hybrid(chunks, n * 97 % len(chunks.texts), encoder) for n in range(QUERIES)]
    took = []
    for body in bodies:
        begun = time.perf_counter()
        answer = http.post(f"/collections/{common.COLLECTION}/points/query", json=body)
        took.append(time.perf_counter() - begun)
        answer.raise_for_status()
    return common.milliseconds(took)


def _recall(http: Any, chunks: common.Corpus) -> float:
    hits = 0
    for n in range(200):
        body = common.hybrid(chunks, n * 61 % len(chunks.texts), common.bm25())["prefetch"][0]
        request = body | {"limit": 10, "with_payload": False}
        found, exact = (
            {
                point["id"]
                for point in http.post(
                    f"/collections/{common.COLLECTION}/points/query",
                    json=request | {"params": {"exact": exactly}},
                ).json()["result"]["points"]
            }
            for exactly in (False, True)
        )
        hits += len(found & exact)
    return round(hits / 2000, 4)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000), indent=2))
