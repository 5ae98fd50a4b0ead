# SPDX-License-Identifier: Apache-2.0
"""Vectors of another model while the collection goes on answering, and whatever is killed."""

import contextlib
import json
import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field

import pytest

from beast_ops import http
from tests.e2e import knowledge

DOCUMENTS = 300
WORD = "granite"
BACK_SECONDS, TRY_AGAIN = 60, 75
MODELS = ("hash-64", "hash-96")
VICTIMS = ("beast-worker", "qdrant", "the verb", "everything")


def write(folder, numbers):
    folder.mkdir(exist_ok=True)
    for number in numbers:
        text = f"Note {number} is about {WORD} and the number {number}.\n" * 20
        (folder / f"note-{number}.txt").write_text(text)


@dataclass
class Asking:
    """Searches all the time, and keeps what was not answered as it should be."""

    stack: object
    wrong: list = field(default_factory=list)
    answered: int = 0
    away: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.over.set()
        self.thread.join()

    def run(self):
        body = {"query": f"{WORD} 7", "limit": 100}
        while not self.over.wait(0.01):
            try:
                with knowledge.api(self.stack) as client:
                    answer = client.post("/search", json=body)
            except http.RequestError:
                self.away += 1  # it was killed
                continue
            if answer.status_code == 503:
                self.away += 1
                continue
            found = answer.json().get("hits", [])
            self.answered += 1
            if len(found) != 100:
                self.wrong.append((answer.status_code, len(found), answer.text[:200]))


@pytest.fixture(scope="module")
def filled(build, clone, tmp_path_factory):
    stack = build(clone)
    stack.deploy(beast_worker_embedder="auto", beast_keeper_backup_enabled=False)
    folder = tmp_path_factory.mktemp("notes")
    write(folder, range(DOCUMENTS))
    stack.must("ingest", str(folder))
    yield stack, folder
    stack.clear()


def live(stack):
    with knowledge.vectors(stack) as client:
        aliases = client.get("/aliases").json()["result"]["aliases"]
    return next(each["collection_name"] for each in aliases if each["alias_name"] == "docs")


def test_a_user_gets_meaning_and_goes_back_and_drops(filled):
    stack, _ = filled
    assert "lexical" == stack.must("search", WORD, "--json").json["mode"]
    before = knowledge.points(stack, "docs")
    with Asking(stack) as asking:
        done = stack.must("reembed", "docs", "--embedder", "hash", "--model", "hash-48")

        assert "docs leads to docs--2" in done.out
        assert "hybrid" == stack.must("search", WORD, "--json").json["mode"]
        assert set(before) == set(knowledge.points(stack, "docs"))
        again = stack.run("reembed", "docs", "--embedder", "hash", "--model", "hash-48")
        assert 1 == again.code
        assert "are made by hash hash-48 already" in again.err
        assert "docs leads to docs--1" in stack.must("reembed", "docs", "--back").out
        assert "docs--2" in stack.must("reembed", "docs", "--drop").out
    assert [] == asking.wrong
    assert asking.answered > 20
    assert ["reembed"] * 4 == [
        each["operation"] for each in stack.receipts() if each["operation"] == "reembed"
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reembed", "nothing", "--model", "m"], "no such collection"),
        (["reembed", "docs"], "which model"),
        (["reembed", "docs", "--back", "--drop"], "only one at a time"),
        (["reembed", "docs", "--back"], "no second collection"),
        (["reembed", "docs", "--model", "m", "--gate", "two"], "from 0 to 1"),
        (["reembed", "docs", "--model", "m"], "model server"),
    ],
)
def test_what_cannot_be_is_said_in_a_paragraph(filled, words, said):
    stack, _ = filled

    done = stack.run(*words)

    assert done.code not in (0, 70)
    assert said in done.err
    assert "Traceback" not in done.err + done.out


def test_what_is_there_twice_is_told(filled, tmp_path):
    stack, _ = filled
    text = " ".join(f"word{number}" for number in range(400))
    for name, said in (("a", text), ("b", text), ("c", text.replace("word200", "other"))):
        (tmp_path / f"{name}.txt").write_text(said)
    stack.must("ingest", str(tmp_path), "--collection", "twice")

    found = stack.must("duplicates", "twice", "--alike", "0.8", "--json").json

    assert [[f"{tmp_path}/a.txt", f"{tmp_path}/b.txt"]] == found["equal"]
    assert [f"{tmp_path}/c.txt"] == [
        name for pair in found["alike"] for name in (pair["one"], pair["other"]) if "c.txt" in name
    ]
    assert "The same:" in stack.must("duplicates", "twice").out
    assert "no such collection" in stack.run("duplicates", "nothing").err


def strike(stack, who, process):
    if who == "the verb":
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return
    doomed = list(stack.processes()) if who == "everything" else [stack.pids()[who]]
    knowledge.kill(doomed)
    if who == "everything":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait()
        stack.must("deploy", *stack.sets())


def test_whatever_is_killed_no_passage_is_missing_at_any_time(filled, rounds, seed):
    stack, folder = filled
    dice, wanted = random.Random(seed), rounds(4, 40)  # noqa: S311 - repeatable, not secret
    words = ("reembed", "docs", "--embedder", "hash", "--gate", "")
    begun = time.monotonic()
    stack.must(*words, "--model", "hash-48")
    whole, switched = time.monotonic() - begun, 0
    with Asking(stack) as asking:
        for number in range(wanted):
            stack.must("reembed", "docs", "--drop")
            before, who = live(stack), VICTIMS[number % len(VICTIMS)]
            after = dice.uniform(0.1, 1.0) * whole
            process = stack.start(*words, "--model", MODELS[number % 2])
            time.sleep(after)
            (folder / "note-7.txt").write_text(f"{WORD} round {number}.\n" * 20)

            strike(stack, who, process)

            print(f"round {number}: {who} killed after {after:.2f} of {whole:.2f} s")
            stack.finish(process)
            ingest_again(stack, folder)
            stack.run(*words, "--model", MODELS[number % 2])  # goes on; or it had been done
            switched += live(stack) != before
            assert_each_passage_is_there(stack, folder, MODELS[number % 2])
            assert f"round {number}." in stack.must("search", f"{WORD} round {number}").out
    assert [] == asking.wrong
    assert switched == wanted
    print(f"{wanted} kills, {asking.answered} searches answered in full, {asking.away} not at all")


def ingest_again(stack, folder):
    """Ingest as a user does, who is told to try again while what was killed comes back."""
    deadline = time.monotonic() + BACK_SECONDS
    while (done := stack.run("ingest", str(folder))).code == TRY_AGAIN:
        assert time.monotonic() < deadline, done.err
    assert 0 == done.code, done.err


def assert_each_passage_is_there(stack, folder, model):
    found = knowledge.points(stack, "docs").values()
    assert len(list(folder.iterdir())) == len({json.loads(each)["path"] for each, _ in found})
    assert {int(model.removeprefix("hash-"))} == {len(vectors["dense"]) for _, vectors in found}
