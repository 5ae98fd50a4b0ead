# SPDX-License-Identifier: Apache-2.0
"""Ingest a folder whenever a line comes in; what `ingest_unchanged.py` starts.

    python ingest_again.py WAY URL KEY FOLDER SCRATCH

Each run prints how many documents there were, the seconds it took by the clock and of the
processor, and how often it wrote to the store or asked for vectors.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2]))

from tests.bench import ingest_ways  # noqa: E402 - likewise
from tests.bench.ingest_ways import WAYS  # noqa: E402 - the path is set just above


def counted() -> list[str]:
    """Return a list that grows with every call of ours that writes or makes vectors."""
    from beast_ops.ingest.store import PointStore
    from beast_ops.llm.hashing import HashEmbedder

    calls: list[str] = []
    rooms = ((PointStore, ("upsert", "delete", "delete_of", "tell_of")),)
    for room, names in (*rooms, (HashEmbedder, ("embed_documents",))):
        for name in names:
            setattr(room, name, noting(getattr(room, name), name, calls))
    return calls


def noting(act: Callable[..., object], name: str, calls: list[str]) -> Callable[..., object]:
    """Return *act*, which leaves its *name* in *calls*."""

    def noted(*args: object, **kwargs: object) -> object:
        calls.append(name)
        return act(*args, **kwargs)

    return noted


def main(way: str, url: str, key: str, folder: str, scratch: str) -> None:
    """Run *way* as long as lines come in."""
    calls = counted() if way == "ours" else []
    documents = sum(1 for path in Path(folder).rglob("*") if path.is_file())

    def timed(run: Callable[[], object]) -> dict[str, float]:
        for _ in sys.stdin:
            calls.clear()
            begun, spent = time.perf_counter(), time.process_time()
            run()
            said = {
                "documents": documents,
                "seconds": time.perf_counter() - begun,
                "processor_seconds": time.process_time() - spent,
                "writes": len(calls),
            }
            print(json.dumps(said), flush=True)
        return {}

    ingest_ways.timed = timed
    ingest_ways.texts = lambda top: [
        (str(path), path.read_text()) for path in sorted(top.rglob("*.txt"))
    ]
    WAYS[way](url, key, Path(folder), Path(scratch))


if __name__ == "__main__":
    main(*sys.argv[1:])
