# SPDX-License-Identifier: Apache-2.0
"""Ingestion against our peers: `python tests/bench/ingest_peers.py [REPEATS]`.

These are LangChain, LlamaIndex and Haystack. The same documents, the same hash embedder and the
same store, our vector process over HTTP,
dense vectors only; ours with sparse vectors besides. In turn, each time in a new process with
an empty store. Targets: 1.2 times as many documents per second as LangChain, three times as many
as Haystack, eight times as many as LlamaIndex; a run without changes at least twenty times as fast
as the first (`ingest_unchanged.py` says how fast).
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2]))

from beast_ops.vectors.testing import Server, running  # noqa: E402 - the path is set just above
from tests.bench.ingest_ways import COLLECTION, WAYS  # noqa: E402 - likewise

DOCUMENTS = 500
PARAGRAPHS = 14  # of one to eight sentences each
SECONDS = 300
TIMES = {"langchain": 1.2, "haystack": 3.0, "llamaindex": 8.0}
TIMES_AGAIN = 20.0
PEERS = HERE.with_name("peers_ingest.txt")


def main(repeats: int = 5) -> dict[str, Any]:
    """Return medians and ratios of *repeats* runs of every way, in turn."""
    peers = environment()
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        folder = Path(scratch)
        size = corpus(folder / "corpus")
        took: dict[str, list[dict[str, float]]] = defaultdict(list)
        points: dict[str, set[int]] = defaultdict(set)
        for number in range(repeats):
            for way in WAYS:
                python = sys.executable if way.startswith("ours") else str(peers)
                place = folder / f"{number}-{way}"
                with running(place / "vectors") as server:
                    took[way].append(ingested(python, way, server, folder / "corpus", place))
                    points[way].add(checked(server, way))
        return figures(took, points, size, peers)


def environment() -> Path:
    """Return the interpreter of the peers' own environment, made on first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    python = cache / "ai-beast-bench" / "ingest" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(PEERS)]
    subprocess.run(pip, check=True, stdout=sys.stderr)
    return python


def corpus(folder: Path, seed: int = 1) -> int:
    """Write documents of sentences, words as frequent as Zipf has them; return their bytes."""
    folder.mkdir()
    chance = random.Random(seed)  # noqa: S311 - a corpus, not a secret
    letters = "etaoinshrdlu"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 10))) for _ in range(5000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]

    def sentence() -> str:
        return " ".join(chance.choices(words, weights, k=chance.randint(6, 20))).capitalize() + "."

    size = 0
    for number in range(DOCUMENTS):
        paragraphs = [
            " ".join(sentence() for _ in range(chance.randint(1, 8))) for _ in range(PARAGRAPHS)
        ]
        text = "\n\n".join(paragraphs)
        size += (folder / f"{number:04}.txt").write_text(text)
    return size


def ingested(
    python: str, way: str, server: Server, folder: Path, scratch: Path
) -> dict[str, float]:
    """Return the times of one first and one repeated run of *way*."""
    quiet = {"HAYSTACK_TELEMETRY_ENABLED": "False", "LANGSMITH_TRACING": "false"}
    script = str(HERE.with_name("ingest_ways.py"))
    done = subprocess.run(
        [python, script, way, server.url, server.key, str(folder), str(scratch)],
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{way}: {done.stderr[-3000:]}")
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return times


def checked(server: Server, way: str) -> int:
    """Return how many points *way* left, of which every document must have some."""
    from beast_ops import http

    sources: set[str] = set()
    count, offset = 0, None
    with http.client(server.url, headers={"api-key": server.key}) as client:
        while True:
            body = {"limit": 1000, "offset": offset}
            answer = client.post(f"/collections/{COLLECTION}/points/scroll", json=body)
            found = answer.raise_for_status().json()["result"]
            for point in found["points"]:
                payload = point["payload"]
                inner = payload.get("metadata") or payload.get("meta") or payload
                sources.add(inner["source"])
            count += len(found["points"])
            if (offset := found["next_page_offset"]) is None:
                break
    assert len(sources) == DOCUMENTS, f"{way} stored {len(sources)} of {DOCUMENTS} documents"
    return count


def figures(
    took: Mapping[str, Sequence[Mapping[str, float]]],
    points: Mapping[str, set[int]],
    size: int,
    peers: Path,
) -> dict[str, Any]:
    """Return what was measured as one document."""
    first = {way: statistics.median(each["first"] for each in times) for way, times in took.items()}
    again = {way: statistics.median(each["again"] for each in times) for way, times in took.items()}
    times = {peer: first[peer] / first["ours"] for peer in TIMES}
    unchanged = min(first[way] / again[way] for way in ("ours", "ours+sparse"))
    listed = subprocess.run(
        [str(peers), "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        "documents": DOCUMENTS,
        "bytes": size,
        "repeats": len(took["ours"]),
        "documents_per_s": {way: round(DOCUMENTS / value, 1) for way, value in first.items()},
        "median_s": {way: round(value, 3) for way, value in first.items()},
        "min_s": {way: round(min(x["first"] for x in runs), 3) for way, runs in took.items()},
        "again_s": {way: round(value, 4) for way, value in again.items()},
        "points": {way: sorted(counts) for way, counts in points.items()},
        "times": {peer: round(ratio, 2) for peer, ratio in times.items()},
        "first_per_again": round(unchanged, 1),
        "met": all(ratio >= TIMES[peer] for peer, ratio in times.items())
        and unchanged >= TIMES_AGAIN,
        "load": os.getloadavg(),
        "python": sys.version.split()[0],
        "versions": sorted(
            line
            for line in listed.stdout.split()
            if line.startswith(("langchain", "llama-index", "haystack", "qdrant", "numpy"))
        ),
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:2])), indent=2))
