# SPDX-License-Identifier: Apache-2.0
"""Optimising in the background: noticed by nobody, survived by everything."""

import random
import threading
import time
from pathlib import Path

import httpx
import pytest
from qdrant_client import models

from beast_ops.vectors.testing import running

SIZE, MANY = 32, 6000


@pytest.fixture
def server(tmp_path, own):
    own.stop()
    with running(tmp_path / "optimizing", optimize_points=MANY) as found:
        yield found


@pytest.fixture
def chance():
    return random.Random(7)  # noqa: S311 - reproducible, not secret


def points(numbers, chance, value="v"):
    return [
        models.PointStruct(
            id=n, vector=[chance.gauss(0, 1) for _ in range(SIZE)], payload={"n": n, "v": value}
        )
        for n in numbers
    ]


def create(client):
    client.create_collection(
        "docs",
        models.VectorParams(size=SIZE, distance="Dot"),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=100),
    )
    client.create_payload_index("docs", "n", "integer")


def fill(client, chance, total=MANY, step=1000):
    for start in range(0, total, step):
        client.upsert("docs", points(range(start, start + step), chance))


def outcomes(server):
    answer = httpx.get(f"{server.url}/metrics", headers={"api-key": server.key})
    found = {}
    for line in answer.text.splitlines():
        if line.startswith("optimizations_total{"):
            outcome, count = line.split('outcome="')[1].split('"} ')
            found[outcome] = int(float(count))
    return found


def wait_for_one(server, seconds=60):
    deadline = time.monotonic() + seconds
    while "optimised docs" not in server.log.read_text():
        assert time.monotonic() < deadline, server.log.read_text()[-2000:]
        time.sleep(0.1)


def payloads(client):
    return {each.id: each.payload for each in client.scroll("docs", limit=100_000)[0]}


def shards(server):
    return list((server.data / "vectors" / "collections").glob("*/shard-*"))


def test_after_enough_points_the_collection_is_indexed(server, dial, chance):
    client = dial(server)
    create(client)
    fill(client, chance)

    wait_for_one(server)
    info = client.get_collection("docs")

    assert info.indexed_vectors_count >= MANY * 0.9
    assert info.points_count == MANY
    assert len(shards(server)) == 1
    assert outcomes(server) == {"done": 1}


def test_what_is_written_meanwhile_is_kept(server, dial, chance):
    client = dial(server)
    create(client)
    fill(client, chance)
    expected, n = dict.fromkeys(range(MANY), "v"), 0
    while not outcomes(server).get("done"):
        new = points(range(MANY + n * 10, MANY + n * 10 + 10), chance, f"w{n}")
        changed = points([n * 3 % MANY], chance, f"c{n}")
        client.upsert("docs", [*new, *changed])
        client.delete("docs", [n * 7 % MANY])
        expected |= {each.id: each.payload["v"] for each in [*new, *changed]}
        expected.pop(n * 7 % MANY, None)
        n += 1
        assert n < 5000
    client.delete("docs", [MANY])
    expected.pop(MANY, None)

    found = {each: payload["v"] for each, payload in payloads(client).items()}

    assert n > 3
    assert found == expected


def test_searches_go_on_and_agree(server, dial, chance):
    client = dial(server)
    create(client)
    fill(client, chance)
    queries = [[chance.gauss(0, 1) for _ in range(SIZE)] for _ in range(20)]
    exact = models.SearchParams(exact=True)
    before = [
        [p.id for p in client.query_points("docs", query=q, search_params=exact).points]
        for q in queries
    ]
    during = 0
    while not outcomes(server).get("done"):
        q = during % len(queries)
        answer = client.query_points("docs", query=queries[q], search_params=exact).points
        assert [p.id for p in answer] == before[q]
        during += 1

    recalled = sum(
        len({p.id for p in client.query_points("docs", query=q).points} & set(wanted))
        for q, wanted in zip(queries, before, strict=True)
    )

    assert during > 0
    assert recalled >= 0.9 * 200


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_during_it_loses_nothing(server, dial, chance, seed):
    print("seed", seed)
    client = dial(server)
    create(client)
    fill(client, chance)
    deadline = time.monotonic() + 30
    while len(shards(server)) < 2:  # the copy has begun
        assert time.monotonic() < deadline
        time.sleep(0.01)
    client.upsert("docs", points([MANY + 1], chance, "meanwhile"))
    client.delete("docs", [5])
    time.sleep(random.Random(seed).random() * 0.8)  # noqa: S311 - reproducible, not secret

    server.kill()
    server.start()
    client = dial(server)
    found = payloads(client)
    client.delete("docs", [6])

    assert set(found) == set(range(MANY)) - {5} | {MANY + 1}
    assert client.count("docs").count == MANY - 1
    wait_for_one(server)
    assert client.count("docs").count == MANY - 1
    assert len(shards(server)) == 1


def test_the_child_ends_with_its_parent(server, dial, chance):
    client = dial(server)
    create(client)
    fill(client, chance)
    deadline = time.monotonic() + 30
    while not (children := optimizers(server)):
        assert time.monotonic() < deadline
        time.sleep(0.01)

    server.kill()

    assert children
    deadline = time.monotonic() + 10  # it works for as long as a minute otherwise
    while optimizers(server):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def optimizers(server):
    """Return the processes that optimise something below the server's data."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "beast_ops.vectors.optimizer" in words and any(str(server.data) in w for w in words):
            found.append(int(each.parent.name))
    return found


def test_a_collection_deleted_meanwhile_stays_deleted(server, dial, chance):
    client = dial(server)
    create(client)
    fill(client, chance)
    deadline = time.monotonic() + 30
    while len(shards(server)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)

    client.delete_collection("docs")
    create(client)
    client.upsert("docs", points(range(10), chance))
    time.sleep(2)

    assert client.count("docs").count == 10
    assert server.process.poll() is None


def test_snapshots_may_be_made_and_put_back_meanwhile(server, dial, chance):
    client = dial(server)
    create(client)
    fill(client, chance)
    snapshot = client.create_snapshot("docs")
    path = server.data / "vectors" / "snapshots" / "docs" / snapshot.name

    client.delete("docs", list(range(100)))
    client.recover_snapshot("docs", path.as_uri(), priority="snapshot")
    time.sleep(1)
    client.delete("docs", [0])

    assert client.count("docs").count == MANY - 1


def test_many_clients_at_once_see_whole_points(server, dial, chance):
    client = dial(server)
    create(client)
    client.upsert("docs", points(range(100), chance, "0"))
    torn, over = [], threading.Event()

    def read():
        mine = dial(server)
        while not over.is_set():
            found = mine.scroll("docs", limit=200)[0]
            torn.extend(each for each in found if set(each.payload) != {"n", "v"})

    readers = [threading.Thread(target=read) for _ in range(3)]
    for each in readers:
        each.start()
    writers = [
        threading.Thread(
            target=lambda turn=turn: [
                dial(server).upsert("docs", points(range(100), random.Random(turn), str(turn)))  # noqa: S311 - likewise
                for _ in range(5)
            ]
        )
        for turn in range(4)
    ]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    over.set()
    for each in readers:
        each.join()

    assert torn == []
    assert client.count("docs").count == 100
