# SPDX-License-Identifier: Apache-2.0
"""What the vector benchmarks measure with: chunks with dense and BM25 vectors."""

import os
import platform
import random
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import httpx
import numpy as np
import orjson
from qdrant_edge import Bm25, Bm25Config

DIMENSION = 384
TOPICS = 500  # dense vectors of texts are clustered; uniform noise has no neighbours worth finding
WORDS = 60  # per chunk
COLLECTION = "chunks--1"


@dataclass(frozen=True)
class Corpus:
    """Chunks as arrays."""

    dense: Any
    texts: list[str]

    def point(self, n: int, bm25: Bm25) -> dict[str, Any]:
        sparse = bm25.embed_document(self.texts[n])
        return {
            "id": n,
            "vector": {
                "dense": self.dense[n].tolist(),
                "text": {"indices": sparse.indices, "values": sparse.values},
            },
            "payload": {"text": self.texts[n], "source": f"file://host/{n // 20}.md"},
        }


def corpus(size: int, seed: int = 1) -> Corpus:
    """Return *size* chunks: clustered unit vectors, Zipf-distributed words."""
    rng = np.random.default_rng(seed)
    chance = random.Random(seed)  # noqa: S311 - a corpus, not a secret
    centres = rng.normal(size=(TOPICS, DIMENSION)).astype("float32")
    dense = centres[rng.integers(0, TOPICS, size)]
    dense = dense + rng.normal(scale=0.7, size=dense.shape).astype("float32")
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    heads = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("arel", "onit", "umas")]
    words = [head + end for head in heads for end in WORDENDS]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    texts = [" ".join(chance.choices(words, weights, k=WORDS)) for _ in range(size)]
    return Corpus(dense, texts)


WORDENDS = [f"{x}{y}" for x in "abcdefghijklmnopqrst" for y in ("el", "or", "ix", "une")]


def bm25() -> Bm25:
    return Bm25(Bm25Config(avg_len=float(WORDS)))


def client(server: Any) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"api-key": server.key}, timeout=120)


def create(http: httpx.Client) -> None:
    body = {
        "vectors": {"dense": {"size": DIMENSION, "distance": "Cosine"}},
        "sparse_vectors": {"text": {"modifier": "idf"}},
    }
    http.put(f"/collections/{COLLECTION}", json=body).raise_for_status()
    index = {"field_name": "source", "field_schema": "keyword"}
    http.put(f"/collections/{COLLECTION}/index", json=index).raise_for_status()


def write(http: httpx.Client, chunks: Corpus, numbers: range, batch: int = 256) -> float:
    """Write chunks in batches; return the seconds the server and the wire took."""
    encoder, took = bm25(), 0.0
    for start in range(numbers.start, numbers.stop, batch):
        rows = range(start, min(start + batch, numbers.stop))
        raw = orjson.dumps({"points": [chunks.point(n, encoder) for n in rows]})
        begun = time.perf_counter()
        path = f"/collections/{COLLECTION}/points?wait=true"
        http.put(path, content=raw, headers={"content-type": "application/json"}).raise_for_status()
        took += time.perf_counter() - begun
    return took


def hybrid(chunks: Corpus, n: int, encoder: Bm25) -> dict[str, Any]:
    """Return a hybrid query near chunk *n*, as the search room asks it."""
    words = " ".join(chunks.texts[n].split()[:6])
    sparse = encoder.embed_query(words)
    noise = np.random.default_rng(n).normal(scale=0.03, size=DIMENSION)
    return {
        "prefetch": [
            {"query": (chunks.dense[n] + noise).tolist(), "using": "dense", "limit": 30},
            {
                "query": {"indices": sparse.indices, "values": sparse.values},
                "using": "text",
                "limit": 30,
            },
        ],
        "query": {"rrf": {"k": 60}},
        "limit": 10,
        "with_payload": True,
    }


def wait_optimized(http: httpx.Client, seconds: float) -> float:
    """Wait for the next finished optimisation; return how long that took."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        if finished(http) > 0:
            return time.perf_counter() - begun
        time.sleep(0.5)
    raise TimeoutError("no optimisation finished")


def finished(http: httpx.Client) -> int:
    """Return how many optimisations have finished well."""
    for line in http.get("/metrics").text.splitlines():
        if line.startswith('optimizations_total{outcome="done"}'):
            return int(float(line.rsplit(" ", 1)[1]))
    return 0


def milliseconds(seconds: list[float]) -> dict[str, float]:
    """Return percentiles of *seconds*, in milliseconds."""
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    return {
        "n": len(seconds),
        "p50": round(float(p50) * 1e3, 2),
        "p95": round(float(p95) * 1e3, 2),
        "p99": round(float(p99) * 1e3, 2),
        "max": round(max(seconds) * 1e3, 2),
    }


def circumstances() -> dict[str, Any]:
    """Return what the figures depend on."""
    packages = ("qdrant-edge-py", "starlette", "uvicorn", "uvloop", "httptools", "orjson", "httpx")
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": [round(each, 2) for each in os.getloadavg()],
        "versions": {name: version(name) for name in packages},
    }
