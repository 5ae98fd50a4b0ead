# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from beast_ops import hashing
from beast_ops.errors import UnavailableError
from beast_ops.hashing import BLOCK_BYTES, hash_files, sha256_from, sha256_of

SIZES = (0, 1, 2047, 2048, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 7)


@pytest.fixture
def files(tmp_path, seed):
    """Files of all sizes that could matter, many of them small."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrets
    for number, size in enumerate((*SIZES, *(chance.randrange(5000) for _ in range(300)))):
        (tmp_path / f"{number}").write_bytes(chance.randbytes(size))
    return sorted(tmp_path.iterdir())


def expected(paths):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_many_files_have_the_sums_that_each_has(files, workers):
    found = list(hash_files(iter(files), workers=workers))

    assert expected(files) == {each.path: each.sha256 for each in found}
    assert len(files) == len(found)
    assert {path: path.stat().st_size for path in files} == {each.path: each.size for each in found}
    assert {None} == {each.error for each in found}


def test_it_is_the_sum_that_openssl_tells(files):
    argv = ["openssl", "dgst", "-sha256", "-r", *map(str, files)]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout

    told = {Path(line.split(" ", 1)[1][1:]): line.split()[0] for line in said.splitlines()}
    assert told == {each.path: each.sha256 for each in hash_files(files)}


def test_one_file_has_its_sum_by_name_and_open(files):
    for path, sha256 in expected(files[:20]).items():
        assert sha256 == sha256_of(path)
        with path.open("rb", buffering=0) as file:
            assert sha256 == sha256_from(file.readinto)


def test_a_check_between_blocks_may_end_it(files):
    def check():
        raise InterruptedError("enough")

    largest = max(files, key=lambda path: path.stat().st_size)
    with largest.open("rb", buffering=0) as file:
        with pytest.raises(InterruptedError, match="enough"):
            sha256_from(file.readinto, check)
        assert BLOCK_BYTES == file.tell()


def test_what_cannot_be_read_is_told_of_that_file_alone(files, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    odd = [tmp_path / name for name in ("pipe", "folder", "dangling")]
    found = {each.path: each for each in hash_files([*files, *odd])}

    assert expected(files) == {path: found[path].sha256 for path in files}
    for path in odd:
        assert isinstance(found[path].error, OSError)
        assert "" == found[path].sha256


def test_a_source_of_names_that_fails_is_told(files):
    def names():
        yield files[0]
        raise PermissionError("no such folder for you")

    with pytest.raises(PermissionError, match="for you"):
        list(hash_files(names()))


def ours():
    return [each for each in threading.enumerate() if "_work" in each.name]


def test_closing_it_ends_the_work_and_takes_no_more_names(files):
    taken = []

    def names():
        while True:
            taken.append(1)
            yield files[0]

    before = len(ours())
    found = hash_files(names())
    next(found)
    begun = time.monotonic()
    found.close()
    count = len(taken)

    assert time.monotonic() - begun < hashing.PATIENCE_SECONDS
    assert before == len(ours())
    assert count == len(taken)


def test_who_takes_slowly_is_not_flooded(files):
    taken = []

    def names():
        for number in range(100_000):
            taken.append(number)
            yield files[0]

    found = hash_files(names(), workers=2)
    next(found)
    time.sleep(1)
    ahead = len(taken)
    found.close()

    assert ahead <= (hashing.WAITING + 3) * hashing.TOGETHER + 2


def test_a_deadline_ends_it(files):
    def names():
        yield files[0]
        time.sleep(1)
        yield files[1]

    begun = time.monotonic()
    with pytest.raises(UnavailableError, match="too long"):
        list(hash_files(names(), seconds=0.2, workers=1))

    assert time.monotonic() - begun < 0.2 + hashing.PATIENCE_SECONDS


def test_a_deadline_in_time_changes_nothing(files):
    assert len(files) == len(list(hash_files(files, seconds=60)))


def test_a_large_file_takes_no_memory(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 30)
    code = (
        "import sys, resource\nfrom pathlib import Path\nfrom beast_ops.hashing import hash_files\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "list(hash_files([Path(sys.argv[1])]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "large")]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout
    kilo = 1 if sys.platform == "linux" else 1024

    assert int(said) / kilo < 16 << 10
