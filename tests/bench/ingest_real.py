# SPDX-License-Identifier: Apache-2.0
"""How near an ingestion with a real model comes to the rate of that model alone.

    python tests/bench/ingest_real.py [MODELS --model NAME] [--documents N] [--repeats N]

MODELS and NAME as for `search_quality.py`. The passages of some documents are embedded by
themselves, in the same batches; then the same documents are ingested into an empty collection,
with nothing remembered. Both are done in turn, so that what else the machine does burdens both.
Printed is the rate of the ingestion over that of the model alone, in passages per second, the
median of the pairs. Target: at least 0.95.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2]))

from beast_ops.ingest.chunk import chunk  # noqa: E402 - the path is set just above
from beast_ops.ingest.intake import Intake  # noqa: E402 - likewise
from beast_ops.ingest.parse import parse  # noqa: E402 - likewise
from beast_ops.ingest.run import Run  # noqa: E402 - likewise
from beast_ops.ingest.settings import Surroundings, WorkerSettings  # noqa: E402 - likewise
from beast_ops.jobs.table import JobTable  # noqa: E402 - likewise
from beast_ops.jobs.worker import Worker  # noqa: E402 - likewise
from beast_ops.llm import embedder_for  # noqa: E402 - likewise
from beast_ops.llm.model import Embedder  # noqa: E402 - likewise
from beast_ops.llm.whole import embed_whole  # noqa: E402 - likewise
from beast_ops.vectors.testing import running  # noqa: E402 - likewise
from tests import real_model  # noqa: E402 - likewise
from tests.corpus import gather  # noqa: E402 - likewise

TARGET = 0.95
FORMATS = {"html", "md", "txt", "rst"}


def main() -> int:
    """Print the ratio as JSON; fail if it falls short."""
    words = _words()
    models = str(words.model_folder.resolve())
    settings = WorkerSettings(
        embedder=words.embedder,
        embed_model=words.model,
        models_folder=models,
        embed_cache_megabytes=0,
    )
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        place = Path(scratch)
        texts = list(_texts(place / "corpus", words.documents))
        embedder = embedder_for(words.embedder, words.model, None, models)
        if embedder is None:
            raise RuntimeError("there is no such embedder")
        _alone(embedder, texts[:8], settings.batch)  # loads the model
        pairs = []
        for number in range(words.repeats):
            alone = _alone(embedder, texts, settings.batch)
            pairs.append((alone, _ingested(place, str(number), settings, len(texts))))
    ratio = statistics.median(alone / whole for alone, whole in pairs)
    told = {
        "passages": len(texts),
        "rate": round(len(texts) / statistics.median(alone for alone, _ in pairs), 1),
        "seconds": [[round(each, 2) for each in pair] for pair in pairs],
        "ingestion_over_model": round(ratio, 3),
        "target": TARGET,
        "met": ratio >= TARGET,
        "load": os.getloadavg()[0],
    }
    print(json.dumps(told, indent=2))
    return 0 if told["met"] else 1


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure an ingestion with a real model.")
    parser.add_argument("model_folder", metavar="MODELS", nargs="?", type=Path)
    parser.add_argument("--model", default=real_model.MODEL)
    parser.add_argument("--embedder", default="fastembed")
    parser.add_argument("--documents", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    words = parser.parse_args()
    words.model_folder = words.model_folder or real_model.models()
    return words


def _texts(folder: Path, most: int) -> Iterator[str]:
    """Fill *folder* with documents; yield their passages in the order in which they come."""
    found = gather.gather(folder)
    of_words = (each for each in found.documents if each.format in FORMATS)
    small = (each for each in of_words if each.size < 40_000)
    kept = {each.path for each in islice(small, 0, None, 7)}
    kept = set(sorted(kept)[:: max(1, len(kept) // most)][:most])
    for each in found.documents:
        if each.path not in kept:
            (folder / each.path).unlink()
    for path in sorted(kept):
        for piece in chunk(parse(folder / path, path), path):
            yield piece.text


def _alone(embedder: Embedder, texts: Sequence[str], batch: int) -> float:
    begun = time.monotonic()
    for begin in range(0, len(texts), batch):
        embed_whole(embedder, texts[begin : begin + batch])
    return time.monotonic() - begun


def _ingested(place: Path, name: str, settings: WorkerSettings, passages: int) -> float:
    """Return the seconds that the ingestion takes; to load the model is part of it."""
    with running(place / name / "vectors") as vectors:
        data = place / name / "data" / "1"
        around = Surroundings(data, settings, vectors.url, vectors.key, None)
        run = Run(around)
        first = place / "first"
        first.mkdir(exist_ok=True)
        (first / "a.txt").write_text("One passage, so that the collection is there.")
        with JobTable(around.jobs) as table:
            seconds = []
            for folder in (first, place / "corpus"):
                with closing(Intake(data)) as intake:
                    job = intake.open_folder("docs", folder)
                begun = time.monotonic()
                Worker(table, {"ingest": run}, "bench").run_one()
                seconds.append(time.monotonic() - begun)
                done = table.get(job)
                if done.result is None or done.result["documents"]["failed"]:
                    raise RuntimeError(f"the ingestion failed: {done.error or done.result}")
        if done.result["embedded"]["passages"] != passages:
            raise RuntimeError(f"{passages} passages alone, not so in {done.result['embedded']}")
    return seconds[-1]


if __name__ == "__main__":
    sys.exit(main())
