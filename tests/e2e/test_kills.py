# SPDX-License-Identifier: Apache-2.0
"""Whatever is killed while documents come in: the same ingestion again, and nothing is amiss.

Each round kills one process, or all at once, at a random moment between the first and the last
write, lets the stack come back, ingests again, and compares the collection with that of an
undisturbed run: the same points, their payloads and vectors equal to the last bit.
"""

import contextlib
import itertools
import os
import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.corpus import gather
from tests.e2e import knowledge
from tests.e2e.knowledge import count, difference, points, start_ingest, told, wait_for

DOCUMENTS = 160
LEAST_SECONDS = 3.0  # shorter, and kills would not come at different moments
PICKED_UP_SECONDS = 60.0
VICTIMS = ("beast-worker", "qdrant", "beast-api", "supervisord", "everything")
EMBEDDERS = ("hash", "none")  # dense vectors in half of the rounds
JITTER_SECONDS = 0.3  # more than it takes to store a batch, so that kills fall within writes, too
WITHIN = 0.8  # the share of kills that must come between the first write and the last


@dataclass
class Storm:
    """An installation, a slice of the corpus, and what an undisturbed run makes of it."""

    stack: object
    folder: object
    calm: dict
    results: dict
    failed: int
    numbers: object
    embedder: str = ""

    def embed(self, embedder):
        """Have new collections made with *embedder*."""
        self.stack.deploy(beast_worker_embedder=embedder)
        self.embedder = embedder

    def learn(self, embedder):
        """Ingest undisturbed, and keep what came of it."""
        self.embed(embedder)
        found = self.stack.finish(
            start_ingest(self.stack, self.folder, collection=f"calm-{embedder}")
        )
        self.results[embedder] = found.json
        self.failed = found.json["documents"]["failed"]
        self.calm[embedder] = points(self.stack, f"calm-{embedder}")


@pytest.fixture(scope="module")
def storm(build, clone, tmp_path_factory):
    stack = build(clone)
    folder = tmp_path_factory.mktemp("slice")
    gather.gather(folder, most=DOCUMENTS)
    made = Storm(stack, folder, {}, {}, 0, itertools.count(1))
    for embedder in reversed(EMBEDDERS):
        made.learn(embedder)
    yield made
    stack.clear()


def victims(stack, who):
    """Return the processes to kill; a worker dies alone, its readers notice."""
    if who == "everything":
        return list(stack.processes())
    return [stack.supervisord() if who == "supervisord" else stack.pids()[who]]


def strike(storm, who, collection, total, dice):
    """Kill *who* at a random moment of an ingestion; return how much was stored just then."""
    share, jitter = dice.uniform(0.02, 0.95), dice.uniform(0, JITTER_SECONDS)
    stack = storm.stack
    doomed = [] if who == "everything" else victims(stack, who)
    process = start_ingest(stack, storm.folder, collection=collection)
    with ThreadPoolExecutor(1) as pool, knowledge.vectors(stack) as client:
        ended = pool.submit(stack.finish, process)
        wait_for(lambda: ended.done() or count(client, collection) >= share * total, 90)
        time.sleep(jitter)
        stored = count(client, collection)
        knowledge.kill(doomed or victims(stack, who))
        if who in ("supervisord", "everything"):
            # Nobody brings the stack back by itself; the client would wait a minute for it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            ended.result()
            stack.must("deploy", *stack.sets())
        return stored, ended.result()


def test_an_ingestion_lasts_long_enough_to_be_killed(storm):
    for found in storm.results.values():
        assert LEAST_SECONDS < found["seconds"]
        assert DOCUMENTS == found["documents"]["seen"]


@pytest.mark.long
def test_undisturbed_runs_are_equal(storm):
    again = f"again-{EMBEDDERS[0]}"

    told(knowledge.ingest(storm.stack, storm.folder, collection=again), failed=storm.failed)

    assert "" == difference(storm.calm[EMBEDDERS[0]], points(storm.stack, again))


def test_whatever_is_killed_the_collection_is_the_same_in_the_end(storm, rounds, seed):
    dice, wanted = random.Random(seed), rounds(5, 50)  # noqa: S311 - repeatable, not secret
    plan = [VICTIMS[number % len(VICTIMS)] for number in range(wanted)]
    within, begun = 0, time.monotonic()
    for half, embedder in enumerate(EMBEDDERS):
        storm.embed(embedder)
        for who in plan[half::2]:
            within += one_round(storm, who, embedder, dice)
    seconds = time.monotonic() - begun
    print(f"{wanted} kills ({dict(Counter(plan))}), {within} between first and last write, "
          f"all collections equal, {seconds:.0f} s")  # fmt: skip

    assert within >= WITHIN * wanted


def one_round(storm, who, embedder, dice):
    """Kill, repeat, compare; return whether the kill came between first and last write."""
    calm = storm.calm[embedder]
    collection = f"storm-{next(storm.numbers)}"
    stored, disturbed = strike(storm, who, collection, len(calm), dice)
    again = knowledge.ingest(storm.stack, storm.folder, collection=collection)
    print(f"{who} ({embedder}) killed at {stored} of {len(calm)}, client: {disturbed.code}")
    assert "Traceback" not in disturbed.err + disturbed.out

    found = told(again, failed=storm.failed)

    assert found["documents"]["seen"] == DOCUMENTS
    assert "" == difference(calm, points(storm.stack, collection)), f"{who} at {stored}"
    with knowledge.vectors(storm.stack) as client:
        client.delete(f"/collections/{collection}--1")
    return 0 < stored < len(calm)


def test_killed_work_is_picked_up_within_a_minute_without_being_asked_for(storm, seed):
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    calm, collection = storm.calm[storm.embedder], "left-alone"
    process = start_ingest(storm.stack, storm.folder, collection=collection)
    with knowledge.vectors(storm.stack) as client:
        share = dice.uniform(0.1, 0.8)
        wait_for(lambda: count(client, collection) >= share * len(calm), 60)
        knowledge.kill([process.pid, *victims(storm.stack, "beast-worker")])
        killed, stored = time.monotonic(), count(client, collection)
        process.communicate()
        assert stored < len(calm)

        wait_for(lambda: count(client, collection) > stored, PICKED_UP_SECONDS)
        print(f"picked up {time.monotonic() - killed:.1f} s after the kill")
        wait_for(lambda: count(client, collection) == len(calm), PICKED_UP_SECONDS)

    assert "" == difference(calm, points(storm.stack, collection))
    wait_for(lambda: not knowledge.uploads(storm.stack), 30)
