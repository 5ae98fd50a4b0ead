# SPDX-License-Identifier: Apache-2.0
"""Archives against the tools of the trade: `python tests/bench/backup_peers.py [MIB]`.

One set of mixed files (half random, half text logs, 2,000 small JSON) is archived and restored in
turn by us and by `tar` with `zstd -3 -T0`, and archived for the first time by restic; SHA-256 of
the same files against `openssl dgst`; small files alone against `tar`. Every write is followed by
a sync. With `--large` a file of 10 GB is archived, too, for the memory it takes.

Targets: writing at least 0.9 x `tar | zstd -3 -T0` and 3 x restic; restoring at least 0.7 x
`zstd -d | tar x`; SHA-256 at least 1.0 x openssl; memory below 150 MB.
"""

import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from beast_ops.backup.extract import extract
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.hashing import hash_files

ROUNDS = 5
SMALL = 2000
PARTS = 8
MEGA = 1 << 20


def make(folder: Path, mebibytes: int) -> int:
    """Write the set of files; return its bytes."""
    chance = random.Random(7)  # noqa: S311 - chance, not secrets
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(4000)]
    for name in ("random", "logs", "small"):
        (folder / name).mkdir(parents=True)
    share = mebibytes * MEGA // 2 // PARTS
    for number in range(PARTS):
        (folder / f"random/{number}").write_bytes(os.urandom(share))
        with (folder / f"logs/{number}.log").open("wb") as log:
            while log.tell() < share:
                stamp = b"2026-01-02T03:04:%02d.%06d INFO " % divmod(log.tell() % 60_000_000, 10**6)
                log.write(stamp + b" ".join(chance.choices(words, k=12)) + b"\n")
    for number in range(SMALL):
        numbers = [chance.random() for _ in range(400)]
        (folder / f"small/{number}.json").write_text(json.dumps(numbers))
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def shell(command: str, **names: object) -> Callable[[], None]:
    quoted = {name: f"'{value}'" for name, value in names.items()}
    return lambda: subprocess.run(["/bin/sh", "-c", command.format(**quoted)], check=True) and None


def write(source: Path, target: Path) -> None:
    with target.open("wb", buffering=0) as raw:
        with ArchiveWriter(raw, {"name": "bench"}) as writer:
            writer.add_tree(source, "data/set")
            writer.finish({"items": []})
        os.fsync(raw.fileno())


def read(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    with source.open("rb", buffering=0) as raw:
        extract(raw, target)


def hashed(folder: Path) -> None:
    assert all(each.sha256 for each in hash_files(p for p in folder.rglob("*") if p.is_file()))


def compare(ours: Callable[[], None], peer: Callable[[], None], rounds: int = ROUNDS) -> dict:
    """Run both in turn; return medians, the quickest, and how many times as fast we are."""
    taken: dict[str, list[float]] = {"peer": [], "ours": []}
    for _ in range(rounds):
        for name, act in (("peer", peer), ("ours", ours)):
            begun = time.perf_counter()
            act()
            taken[name].append(time.perf_counter() - begun)
    found = {
        name: {"median": round(statistics.median(each), 3), "min": round(min(each), 3)}
        for name, each in taken.items()
    }
    ratio = statistics.median(taken["peer"]) / statistics.median(taken["ours"])
    return {**found, "ratio": round(ratio, 3)}


def measure(work: Path, mebibytes: int) -> dict:
    files, small = work / "set", work / "set/small"
    size = make(files, mebibytes)
    ours, theirs = work / "ours.tar.zst", work / "theirs.tar.zst"
    tar = "tar -C {files} -c . | zstd -q -3 -T0 -f -o {theirs} && sync {theirs}"
    untar = (
        "rm -rf {out} && mkdir {out} && zstd -q -d -c {theirs} | tar -x -C {out} && sync -f {out}"
    )
    restic = "rm -rf {store} && restic -q -r {store} init && restic -q -r {store} backup {files}"
    openssl = "find {files} -type f -print0 | xargs -0 openssl dgst -sha256 > /dev/null"
    os.environ.setdefault("RESTIC_PASSWORD", "of a benchmark")
    found = {
        "write": {
            **compare(lambda: write(files, ours), shell(tar, files=files, theirs=theirs)),
            "target": 0.9,
        },
        "restore": {
            **compare(
                lambda: read(ours, work / "out"),
                shell(untar, theirs=theirs, out=work / "untarred"),
            ),
            "target": 0.7,
        },
        "sha256": {
            **compare(lambda: hashed(files), shell(openssl, files=files)),
            "target": 1.0,
        },
        "small files": compare(lambda: write(small, ours), shell(tar, files=small, theirs=theirs)),
    }
    found["small files"]["per_second"] = round(SMALL / found["small files"]["ours"]["median"])
    if shutil.which("restic"):
        found["restic"] = {
            **compare(
                lambda: write(files, ours), shell(restic, store=work / "store", files=files), 3
            ),
            "target": 3.0,
        }
    write(files, ours)
    return {**found, "bytes": size, "size_ratio": round(ours.stat().st_size / size, 4)}


def memory(work: Path) -> dict:
    """Archive 10 GB; return the most memory it took, in MB."""
    block = os.urandom(MEGA)
    with (work / "large").open("wb") as file:
        for number in range(10_000):
            file.write(block if number % 2 else bytes(MEGA))
    with Path(os.devnull).open("wb") as nowhere, ArchiveWriter(nowhere, {"name": "x"}) as writer:
        writer.add_file(work / "large", "data/large")
        writer.finish({"items": []})
    return {
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
        "target": 150,
    }


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as work:
        large = memory(Path(work)) if "--large" in sys.argv else None
        found = measure(Path(work), sizes[0] if sizes else 400)
    judged = [each for each in found.values() if isinstance(each, dict) and "target" in each]
    met = all(each["ratio"] >= each["target"] for each in judged)
    if large:
        found["memory"], met = large, met and large["rss_mb"] < large["target"]
    print(json.dumps({**found, "load": os.getloadavg(), "met": met}, indent=2))


if __name__ == "__main__":
    main()
