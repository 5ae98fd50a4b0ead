# SPDX-License-Identifier: Apache-2.0
"""How fast the registry of models is: `python tests/bench/model_registry.py [MODELS] [SEED]`.

* search among 100,000 models: words, families, tags and sizes as somebody may type them, names
  that are there and names that are not. Target: p95 below 10 ms.
* heads of GGUF files: with the vocabulary of 32,000 words that follows what matters, which is not
  read; and all of it, with the tensors counted. Target for the first: 1,000 a second.
* hashing of large files against `openssl dgst -sha256`, the sums compared. Target: at least 1.0.

Nothing here looks at what else the machine does: the median of rounds is printed, and the times
of the processor beside those of the clock.
"""

import itertools
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from beast_ops.hashing import hash_files
from beast_ops.models.entry import Entry, Size
from beast_ops.models.find import Wanted
from beast_ops.models.gguf import read_header
from beast_ops.models.registry import Registry
from tests.gguf_files import model

MODELS, BATCH, SEARCHES = 100_000, 5_000, 1_000
TARGET_MS, TARGET_HEADERS, TARGET_HASH = 10.0, 1_000, 1.0
HEADERS, WORDS = 200, 32_000
ROUNDS = 5
LARGE, LARGE_BYTES = 4, 64 << 20
FAMILIES = ("llama", "mistral", "gemma", "phi", "qwen", "deepseek", "other")
SIZES = (1, 3, 7, 8, 13, 14, 32, 70)
TAGS = [
    "instruct",
    "merge",
    "vision",
    "math",
    "reasoning",
    "multilingual",
    "roleplay",
    "medical",
    "legal",
    "finance",
    "german",
    "french",
    "long-context",
    "uncensored",
    "distilled",
    "research",
    "assistant",
    "story",
    "science",
    "data",
]
TASKS = ("chat", "code", "embedding")
GIGA = 10**9


def entries(count: int, rng: random.Random) -> Iterator[Entry]:
    """Yield models as a large public collection has them."""
    for number in range(count):
        family, giga = rng.choice(FAMILIES), rng.choice(SIZES)
        tags = rng.sample(TAGS, 3)
        yield Entry(
            id=f"maker{number % 5000}/{family}-{tags[0]}-{number}:{giga}b",
            family=family,
            parameters=giga * GIGA,
            tasks=(rng.choice(TASKS),),
            tags=tuple(tags),
            description=f"A {family} model for {' and '.join(rng.sample(TAGS, 4))}.",
            downloads=rng.randrange(10**6),
            rating=round(rng.random() * 5, 1),
            sizes=(Size(quantization="Q4_K_M", bytes=giga * 6 * 10**8),),
        )


def wanted(count: int, rng: random.Random) -> Iterator[Wanted]:
    """Yield searches as somebody may type them."""
    for _ in range(SEARCHES):
        family, tag, other = rng.choice(FAMILIES), rng.choice(TAGS), rng.choice(TAGS)
        number, giga = rng.randrange(count), rng.choice(SIZES)
        yield rng.choice(
            (
                Wanted(family),
                Wanted(f"{family} {giga}b"),
                Wanted(f"{family} {tag}"),
                Wanted(f"{tag} {other}"),
                Wanted(tag[:3]),
                Wanted(f"maker{number % 5000}"),
                Wanted(f"{number}"),
                Wanted(f"no-such-{number}"),
                Wanted(family=family, most_bytes=giga * GIGA),
                Wanted(tags=(rng.choice(TASKS), tag)),
                Wanted(tag, family=family, tags=(rng.choice(TASKS),), most_bytes=giga * GIGA),
            )
        )


def timed(act: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds of clock and processor that *act* takes."""
    clock, processor = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - clock, time.process_time() - processor


def searching(folder: Path, count: int, rng: random.Random) -> dict[str, Any]:
    """Measure searches among *count* models."""
    with Registry(folder / "registry.sqlite") as registry:
        models, begun = entries(count, rng), time.perf_counter()
        while batch := list(itertools.islice(models, BATCH)):
            registry.register(batch)
        loaded = time.perf_counter() - begun
        spent = [
            timed(lambda each=each: registry.search(each))  # type: ignore[misc] # at once
            for each in wanted(count, rng)
        ]
    clock, processor = (sorted(each) for each in zip(*spent, strict=True))

    def p(values: list[float], share: float) -> float:
        return round(values[int(len(values) * share)] * 1e3, 2)

    return {
        "models": count,
        "registered_per_s": round(count / loaded),
        "searches": len(spent),
        "ms_p50": p(clock, 0.5),
        "ms_p95": p(clock, 0.95),
        "ms_p99": p(clock, 0.99),
        "processor_ms_p95": p(processor, 0.95),
        "met": p(clock, 0.95) < TARGET_MS,
    }


def heads(folder: Path) -> dict[str, Any]:
    """Measure how many heads are read in a second."""
    paths = [folder / f"{number}.gguf" for number in range(HEADERS)]
    content = model(words=WORDS)
    for path in paths:
        path.write_bytes(content)
    found: dict[str, Any] = {"words": WORDS, "bytes": len(content)}
    for name, count in (("headers_per_s", False), ("counted_per_s", True)):
        rounds = [
            timed(lambda count=count: [read_header(path, count=count) for path in paths])[0]  # type: ignore[misc] # at once
            for _ in range(ROUNDS)
        ]
        found[name] = round(HEADERS / statistics.median(rounds))
    found["met"] = found["headers_per_s"] >= TARGET_HEADERS
    return found


def hashing(folder: Path) -> dict[str, Any]:
    """Compare the hashing of large files with OpenSSL's own program, in turn."""
    paths = [folder / f"large{number}" for number in range(LARGE)]
    for path in paths:
        path.write_bytes(os.urandom(LARGE_BYTES))
    said: dict[str, str] = {}
    ours: dict[str, str] = {}

    def program() -> None:
        argv = ["openssl", "dgst", "-sha256", "-r", *map(str, paths)]
        output = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300)
        for line in output.stdout.splitlines():
            sha256, name = line.split(" *", 1)
            said[name] = sha256

    def library() -> None:
        ours.update((str(each.path), each.sha256) for each in hash_files(paths))

    pairs = [(timed(program)[0], timed(library)[0]) for _ in range(ROUNDS)]
    if ours != said:
        raise SystemExit("the sums differ")
    ratio = statistics.median(one / other for one, other in pairs)
    seconds = statistics.median(other for _, other in pairs)
    return {
        "mb_per_s": round(LARGE * LARGE_BYTES / seconds / 1e6),
        "times_openssl": round(ratio, 2),
        "met": ratio >= TARGET_HASH,
    }


def main() -> None:
    """Measure all of it and print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MODELS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)  # noqa: S311 - data of a bench, no secret
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = {
            "seed": seed,
            "python": platform.python_version(),
            "search": searching(folder, count, random.Random(seed)),  # noqa: S311 - data of a bench, no secret
            "heads": heads(folder),
            "hashing": hashing(folder),
        }
    print(json.dumps(figures, indent=2))
    sys.exit(not all(figures[part]["met"] for part in ("search", "heads", "hashing")))


if __name__ == "__main__":
    main()
