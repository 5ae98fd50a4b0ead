# SPDX-License-Identifier: Apache-2.0
"""How well a real embedding model, words, and both together answer the golden questions.

    python tests/bench/search_quality.py [MODELS --model NAME] [--documents N] [--keep FOLDER]

MODELS is a folder of models (see `docs/guides/vectors.md`), NAME is one that fastembed can run;
left out, it is that of `tests/real_model.py`.
The corpus is that of `tests/corpus`: documentation of many packages, each asked about by
questions that were written before any search. The documents that answer come first, then others
until there are so many. Printed are recall@5 and MRR of each way, in all and by package; the run
fails if hybrid is worse than the better way by more than 0.02. A model takes some minutes: with
--keep its vectors are kept for the next run.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2]))

from beast_ops.errors import DocumentError  # noqa: E402 - the path is set just above
from beast_ops.evals.metrics import mrr, recall  # noqa: E402 - likewise
from beast_ops.ingest.chunk import chunk  # noqa: E402 - likewise
from beast_ops.ingest.intake import Intake  # noqa: E402 - likewise
from beast_ops.ingest.parse import parse  # noqa: E402 - likewise
from beast_ops.ingest.run import Run  # noqa: E402 - likewise
from beast_ops.ingest.settings import Surroundings, WorkerSettings  # noqa: E402 - likewise
from beast_ops.jobs.table import JobTable  # noqa: E402 - likewise
from beast_ops.jobs.worker import Worker  # noqa: E402 - likewise
from beast_ops.search.dense import Embedders  # noqa: E402 - likewise
from beast_ops.search.hybrid import Searcher  # noqa: E402 - likewise
from beast_ops.search.model import MODES, SearchOptions  # noqa: E402 - likewise
from beast_ops.search.store import open_store  # noqa: E402 - likewise
from beast_ops.vectors.testing import Server, running  # noqa: E402 - likewise
from tests import real_model  # noqa: E402 - likewise
from tests.corpus import gather  # noqa: E402 - likewise
from tests.corpus.questions import Question, load  # noqa: E402 - likewise

DEPTH = 10
SLACK = 0.02
LARGEST_CHUNKS = 250  # of one document: larger manuals would take all the time


def main() -> int:
    """Print the figures as JSON; fail if hybrid falls short."""
    words = _words()
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        place = words.keep or Path(scratch)
        chosen = _corpus(place / "corpus", words.documents)
        asked = [each for each in load() if each.asks_about(chosen)]
        with running(Path(scratch) / "vectors") as vectors:
            around = _surroundings(place, vectors, words)
            made = _ingested(around, place / "corpus")
            ranks = asyncio.run(_ranks(around, asked, words.model_folder))
    told = {"documents": len(chosen), **made, **_told(asked, ranks)}
    print(json.dumps(told, indent=2))
    return 0 if told["met"] else 1


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the answers of a real model.")
    parser.add_argument("model_folder", metavar="MODELS", nargs="?", type=Path)
    parser.add_argument("--model", default=real_model.MODEL)
    parser.add_argument("--embedder", default="fastembed")
    parser.add_argument("--documents", type=int, default=110)
    parser.add_argument("--keep", type=Path)
    words = parser.parse_args()
    words.model_folder = words.model_folder or real_model.models()
    return words


def _surroundings(place: Path, vectors: Server, words: argparse.Namespace) -> Surroundings:
    settings = WorkerSettings(
        embedder=words.embedder,
        embed_model=words.model,
        models_folder=str(words.model_folder.resolve()),
    )
    data = place / "root" / "data" / "1"  # the corpus must lie outside of the installation
    for name in ("jobs", "knowledge/state.sqlite"):
        path = data / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return Surroundings(data, settings, vectors.url, vectors.key, None)


def _corpus(folder: Path, most: int) -> frozenset[str]:
    """Fill *folder* with documents that answer questions, then others, *most* in all."""
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        found = gather.gather(Path(scratch))
        if found.lacking:
            print(f"not the whole corpus: {found.lacking}", file=sys.stderr)
        paths = [each.path for each in found.documents]
        wanted = {source for each in load() for source in each.sources}
        others = [each.path for each in gather.some(found.documents, len(paths))]
        order = [*filter(wanted.__contains__, paths), *(each for each in _mixed(others))]
        shutil.rmtree(folder, ignore_errors=True)
        chosen: list[str] = []
        for path in dict.fromkeys(order):
            if len(chosen) < most and _small(Path(scratch) / path, path):
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(Path(scratch) / path, target)
                chosen.append(path)
    return frozenset(chosen)


def _mixed(paths: Sequence[str]) -> Iterator[str]:
    """Yield one path of each package in turn."""
    packages: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        packages[path.split("/")[0]].append(path)
    while packages:
        for name in sorted(packages):
            yield packages[name].pop()
            if not packages[name]:
                del packages[name]


def _small(path: Path, name: str) -> bool:
    try:
        return 0 < len(chunk(parse(path, name), name)) <= LARGEST_CHUNKS
    except DocumentError:
        return False


def _ingested(around: Surroundings, folder: Path) -> Mapping[str, Any]:
    """Ingest *folder*; return what it came to."""
    with closing(Intake(around.data)) as intake:
        job = intake.open_folder("docs", folder)
    run = Run(around)
    with JobTable(around.jobs) as table:
        Worker(table, {"ingest": run}, "bench").run_one()
        done = table.get(job)
    if done.result is None or done.result["documents"]["failed"]:
        raise RuntimeError(f"the ingestion failed: {done.error or done.result}")
    return {name: done.result[name] for name in ("chunks", "seconds", "embedded")}


@contextmanager
def _key_file(key: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        path = Path(scratch) / "key"
        path.touch(mode=0o600)
        path.write_text(key)
        yield path


async def _ranks(
    around: Surroundings, asked: Sequence[Question], models: Path
) -> dict[str, list[int | None]]:
    """Return the rank of the first right passage of each question, by way of searching."""
    ranks: dict[str, list[int | None]] = {mode: [] for mode in MODES}
    with (
        _key_file(around.vectors_key) as key,
        closing(Embedders(None, folder=lambda: str(models.resolve()))) as embedders,
    ):
        async with open_store(around.vectors_url, key) as store:
            searcher = Searcher(store, embedders.embed)
            for mode in MODES:
                options = SearchOptions("docs", limit=DEPTH, mode=mode, whole=True)
                for each in asked:
                    answer = await searcher.search(each.question, options)
                    if answer.mode != mode:
                        raise RuntimeError(answer.note)
                    right = [each.answered_by(hit.source, hit.text) for hit in answer.hits]
                    ranks[mode].append(right.index(True) + 1 if True in right else None)
                    if os.environ.get("SHOW") == mode and ranks[mode][-1] is None:
                        print(each.question, [hit.source for hit in answer.hits], file=sys.stderr)
    return ranks


def _told(asked: Sequence[Question], ranks: Mapping[str, Sequence[int | None]]) -> dict[str, Any]:
    packages = [each.sources[0].split("/")[0] for each in asked]
    by_package: dict[str, Any] = {}
    for package, count in Counter(packages).most_common():
        places = [place for place, name in enumerate(packages) if name == package]
        figures = {
            mode: round(recall([ranks[mode][place] for place in places], 5), 3) for mode in MODES
        }
        by_package[package] = {"questions": count, "recall_5": figures}
    whole = {
        mode: {"recall_5": round(recall(found, 5), 4), "mrr": round(mrr(found), 4)}
        for mode, found in ranks.items()
    }
    better = max(whole[mode]["recall_5"] for mode in ("dense", "lexical"))
    over = round(whole["hybrid"]["recall_5"] - better, 4)
    return {
        "questions": len(asked),
        "all": whole,
        "hybrid_over_better": over,
        "hybrid_to_better": round(whole["hybrid"]["recall_5"] / (better or 1.0), 3),
        "met": over >= -SLACK,
        "by_package": by_package,
    }


if __name__ == "__main__":
    sys.exit(main())
