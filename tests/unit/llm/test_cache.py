# SPDX-License-Identifier: Apache-2.0
"""A cache of vectors that survives crashes, keeps within its size, and may be lost."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from beast_ops.clock import Clock
from beast_ops.llm.cache import FRESH_SECONDS, PAGE_BYTES, VectorCache


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.moment = datetime(2026, 1, 2, tzinfo=UTC)

    def clock(self):
        return Clock(now=lambda: self.moment)

    def pass_by(self, seconds=FRESH_SECONDS + 1):
        self.moment += timedelta(seconds=seconds)


def key(number):
    return number.to_bytes(16, "big")


def vector(number, size=768):
    return np.random.default_rng(number).random(size, np.float32)


def some(*numbers, size=768):
    return {key(number): vector(number, size) for number in numbers}


def kept(cache, *numbers):
    return {number for number in numbers if key(number) in cache.get([key(number)])}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "knowledge" / "embeddings.sqlite"


def test_vectors_come_back_as_they_were_also_from_the_file(path):
    with VectorCache(path) as cache:
        cache.put(some(*range(1200)))
    with VectorCache(path) as cache:
        found = cache.get([key(number) for number in (3, 1100, 5000)])

    assert {key(3), key(1100)} == set(found)
    assert all(np.array_equal(found[key(number)], vector(number)) for number in (3, 1100))


def test_the_least_recently_wanted_leave_and_the_file_keeps_its_size(path):
    time, most = Time(), 60 * PAGE_BYTES
    with VectorCache(path, most, time.clock()) as cache:
        for number in range(200):
            cache.put(some(number))
        early = kept(cache, 0, 1)
        for number in range(200, 1200):
            time.pass_by()
            cache.put(some(number))
            cache.get([key(199)])  # wanted again and again
        last = kept(cache, *range(1200))

    assert early == {0, 1}
    assert 199 in last
    assert set(range(1150, 1200)) <= last
    assert 0 not in last
    assert path.stat().st_size <= most * 1.1


def test_a_vector_that_is_wanted_often_is_noted_seldom(path):
    time = Time()
    with VectorCache(path, clock=time.clock()) as cache:
        cache.put(some(1))
        before = used(path)
        time.pass_by(FRESH_SECONDS - 1)
        cache.get([key(1)])
        soon = used(path)
        time.pass_by()
        cache.get([key(1)])

    assert before == soon < used(path)


def used(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT used FROM vectors").fetchone()[0]
    finally:
        connection.close()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 500, b"SQLite format 3\0" * 999])
def test_a_file_that_is_no_cache_is_begun_anew(path, content):
    path.parent.mkdir()
    path.write_bytes(content)

    with VectorCache(path) as cache:
        cache.put(some(1))
        assert kept(cache, 1) == {1}


def test_a_table_of_another_shape_is_begun_anew(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE vectors (key TEXT)")
    connection.close()

    with VectorCache(path) as cache:
        cache.put(some(1))
        assert kept(cache, 1) == {1}


def test_no_damage_makes_a_wrong_vector_or_an_error(path):
    seed = int(os.environ.get("SEED", "") or random.randrange(10**6))  # noqa: S311 - no secret
    print("SEED", seed)
    chance = random.Random(seed)  # noqa: S311 - no secret
    with VectorCache(path) as cache:
        cache.put(some(*range(100)))
    whole = path.read_bytes()
    lost = 0
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(chance.choice([1, 40, 4000])):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken[: chance.choice([len(broken), len(broken) // 2])])
        with VectorCache(path) as cache:
            found = cache.get([key(number) for number in range(100)])
            cache.put(some(5))
            assert kept(cache, 5) <= {5}
        for number in range(100):
            if key(number) in found:
                assert np.array_equal(found[key(number)], vector(number))
        lost += 100 - len(found)
    assert lost


def test_where_there_is_no_right_to_write_nothing_is_kept_and_nothing_fails(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with VectorCache(tmp_path / "file" / "embeddings.sqlite") as cache:
        cache.put(some(1))
        assert cache.get([key(1)]) == {}


def test_a_full_disk_leaves_the_file_alone(path):
    with VectorCache(path) as cache:
        cache.put(some(*range(50)))
        cache._connection.execute("PRAGMA max_page_count = 1")
        cache.put(some(*range(100, 300)))
        assert cache.get([key(1)]) == {}

    with VectorCache(path) as cache:
        assert kept(cache, 1, 150) == {1}


def test_a_file_made_under_a_larger_setting_is_begun_anew(path):
    with VectorCache(path) as cache:
        cache.put(some(*range(400)))
    large = path.stat().st_size

    with VectorCache(path, large // 4) as cache:
        assert kept(cache, *range(400)) == set()
    assert path.stat().st_size < large // 4


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from beast_ops.llm.cache import VectorCache
cache = VectorCache(Path(sys.argv[1]))
number = 0
while True:
    batch = range(number, number + 32)
    cache.put({n.to_bytes(16, "big"): np.full(768, n, np.float32) for n in batch})
    number += 32
    print(number, flush=True)
"""


def test_a_killed_worker_leaves_what_it_had_kept(path):
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    )
    with worker:
        said = [int(worker.stdout.readline()) for _ in range(20)]
        worker.send_signal(signal.SIGKILL)

    with VectorCache(path) as cache:
        found = cache.get([key(number) for number in range(said[-1])])
    assert len(found) == said[-1]
    assert all(
        set(vector.tolist()) == {int.from_bytes(name, "big")} for name, vector in found.items()
    )
