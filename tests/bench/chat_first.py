# SPDX-License-Identifier: Apache-2.0
"""First word of a chat: `python tests/bench/chat_first.py [CHUNKS] [QUESTIONS]`.

The real API and the real vector process over loopback, filled as in `api_search.py`; the model
server is a double that waits a fixed time before its first piece. Asked in turn, through our API
and the double itself, with the same body that our API sends it; measured until the first word is
there. Target at 100,000 chunks: our API adds at most 60 ms (median and p95).
"""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import api_live as live
import api_search as corpus
import numpy as np
import vectors_corpus

from beast_ops import http
from beast_ops.llm.testing import fake_ollama
from beast_ops.vectors.testing import running

QUESTIONS = 200
FIRST_SECONDS = 0.1
ADDED_MS = 60.0


def first_word(client: http.Client, path: str, body: Any) -> float:
    """Return the milliseconds until the first word of an answer."""
    begun = time.perf_counter()
    with client.stream("POST", path, json=body) as answer:
        answer.raise_for_status()
        took = [(time.perf_counter() - begun) * 1000 for line in answer.iter_lines() if said(line)]
    return took[0]


def said(line: str) -> bool:
    """Return whether *line* of either API carries a word."""
    found = json.loads(line.removeprefix("data: ")) if line and "[DONE]" not in line else {}
    delta = found["choices"][0]["delta"] if found.get("choices") else found.get("message", {})
    return bool(delta.get("content"))


def questions(passages: list[str], count: int) -> Iterator[str]:
    """Yield words out of passages, as questions."""
    for number in range(count):
        yield " ".join(passages[number * 97 % len(passages)].split()[:8])


def measured(api: http.Client, double: Any, passages: list[str], count: int) -> dict[str, Any]:
    """Return what was measured, in milliseconds."""
    ours, alone = [], []
    with http.client(double.url, seconds=60) as models:
        for number, question in enumerate(questions(passages, count + 10)):
            asked = [{"role": "user", "content": question}]
            body = {"model": "beast/docs", "messages": asked, "stream": True}
            took = first_word(api, "/v1/chat/completions", body)
            other = first_word(models, "/api/chat", double.asked[-1])
            if number >= 10:  # warm by then
                ours.append(took)
                alone.append(other)
    added = [one - other for one, other in zip(ours, alone, strict=True)]
    p50, p95, p99 = map(float, np.percentile(added, [50, 95, 99]))
    return {
        "added_ms": {"p50": round(p50, 2), "p95": round(p95, 2), "p99": round(p99, 2)},
        "model_alone_ms": round(statistics.median(alone), 2),
        "model_alone_p95_ms": round(float(np.percentile(alone, 95)), 2),  # how busy the machine is
        "through_api_ms": round(statistics.median(ours), 2),
        "prompt_bytes": len(double.asked[-1]["messages"][-1]["content"]),
        "met": p50 <= ADDED_MS and p95 <= ADDED_MS,
    }


def main(size: int = 100_000, count: int = QUESTIONS) -> dict[str, Any]:
    """Return the figures."""
    passages = corpus.texts(size)
    with (
        tempfile.TemporaryDirectory() as name,
        running(Path(name) / "v", optimize_points=size * 10) as vectors,
        fake_ollama() as double,
    ):
        with http.client(vectors.url, headers={"api-key": vectors.key}, seconds=120) as store:
            corpus.fill(store, passages)
            vectors_corpus.wait_optimized(store, corpus.OPTIMIZE_SECONDS)
        argv, port, environ = live.ours(Path(name) / "root", vectors.url, vectors.key)
        double.first = FIRST_SECONDS
        with live.process(argv, port, {**environ, "BEAST_MODELS_URL": double.url}) as address:
            token = {"authorization": "Bearer a"}
            with http.client(address, headers=token, seconds=60) as api:
                figures = measured(api, double, passages, count)
    return {
        "summary": figures,
        "chunks": size,
        "questions": count,
        "processors": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("fastapi", "httpx", "qdrant-edge-py")},
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:])), indent=2))
