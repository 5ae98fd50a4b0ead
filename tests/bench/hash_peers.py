# SPDX-License-Identifier: Apache-2.0
"""SHA-256 of files against OpenSSL's own program: `python tests/bench/hash_peers.py [MIB]`.

The same files, in turn: some large ones, many small ones, and both together. The sums must be the
same. `processor` compares the time that the processors worked, whoever else kept them busy.

Target: at least 1.0 x `openssl dgst -sha256`.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from beast_ops.hashing import hash_files

ROUNDS = 9
LARGE, SMALL = 8, 2000
SMALL_BYTES = 8000
TARGET = 1.0

Sums = dict[str, str]


def make(folder: Path, mebibytes: int) -> tuple[list[Path], list[Path]]:
    """Write large files of *mebibytes* together, and small ones; return both."""
    large = [folder / f"large{number}" for number in range(LARGE)]
    small = [folder / f"small{number}" for number in range(SMALL)]
    for path in large:
        path.write_bytes(os.urandom((mebibytes << 20) // LARGE))
    for path in small:
        path.write_bytes(os.urandom(SMALL_BYTES))
    return large, small


def ours(paths: Sequence[Path]) -> Sums:
    return {str(each.path): each.sha256 for each in hash_files(paths)}


def openssl(paths: Sequence[Path]) -> Sums:
    names = b"\0".join(os.fsencode(path) for path in paths)
    argv = ["xargs", "-0", "openssl", "dgst", "-sha256", "-r"]
    done = subprocess.run(argv, input=names, capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    return {line.split(" *", 1)[1]: line.split(" *", 1)[0] for line in lines}


def processor_seconds() -> float:
    """Return how long the processors worked for us and for what we started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measured(act: Callable[[Sequence[Path]], Sums], paths: Sequence[Path]) -> tuple[float, float]:
    begun, worked = time.perf_counter(), processor_seconds()
    act(paths)
    return time.perf_counter() - begun, processor_seconds() - worked


def compare(paths: Sequence[Path]) -> dict[str, object]:
    """Run both in turn; return medians, the quickest, and how many times as fast we are."""
    assert ours(paths) == openssl(paths)
    taken: dict[str, list[tuple[float, float]]] = {"openssl": [], "ours": []}
    for _ in range(ROUNDS):
        for name, act in (("openssl", openssl), ("ours", ours)):
            taken[name].append(measured(act, paths))
    walls = {name: [wall for wall, _ in each] for name, each in taken.items()}
    works = {name: statistics.median(work for _, work in each) for name, each in taken.items()}
    medians = {name: statistics.median(each) for name, each in walls.items()}
    size = sum(path.stat().st_size for path in paths)
    return {
        **{
            name: {
                "median_s": round(medians[name], 4),
                "min_s": round(min(walls[name]), 4),
                "mb_per_s": round(size / medians[name] / 1e6),
            }
            for name in walls
        },
        "ratio": round(medians["openssl"] / medians["ours"], 3),
        "ratio_of_quickest": round(min(walls["openssl"]) / min(walls["ours"]), 3),
        "processor": round(works["openssl"] / works["ours"], 3),
    }


def main(mebibytes: int) -> dict[str, object]:
    argv = ["openssl", "version"]
    version = subprocess.run(argv, capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as work:
        large, small = make(Path(work), mebibytes)
        found = {
            name: compare(paths)
            for name, paths in (("large", large), ("small", small), ("mixed", [*large, *small]))
        }
    return {
        **found,
        "target": TARGET,
        "met": all(each["ratio"] >= TARGET for each in found.values()),
        "load": os.getloadavg(),
        "versions": {"openssl": version.stdout.strip(), "python": platform.python_version()},
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if sys.argv[1:] else 400), indent=2))
