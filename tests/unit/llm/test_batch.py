# SPDX-License-Identifier: Apache-2.0
"""Many requests at once, against the double of a model server."""

import asyncio
import random

import pytest

from beast_ops import http
from beast_ops.errors import BusyError, UsageError
from beast_ops.llm.answers import AnswerCache
from beast_ops.llm.batch import Far, Task, Way, run_batch
from beast_ops.llm.chat import ChatServer, Request, Turn
from beast_ops.llm.journal import Journal
from beast_ops.llm.remembered import Remembering
from beast_ops.llm.testing import WRITES, fake_ollama
from beast_ops.llm.wire import Terms
from beast_ops.resilience import Guards, Policy

QUICK = Policy(attempts=3, wait=0.01, at_once=64)


@pytest.fixture
def ollama():
    with fake_ollama() as double:
        double.answer = lambda body: ["re: ", body["messages"][-1]["content"]]
        yield double


def tasks(count, **options):
    return [
        Task(str(each), Request(WRITES, (Turn("user", f"q{each}"),), options))
        for each in range(count)
    ]


def run(url, asked, *args, cache=None, seconds=30):
    async def main():
        async with http.async_client(url, seconds=30) as client:
            server = ChatServer(client, Terms(guards=Guards(), policy=QUICK))
            async with asyncio.timeout(seconds):
                return await run_batch(asked, Remembering(server, cache), *args)

    return asyncio.run(main())


def test_outcomes_stand_in_the_order_of_requests(ollama, seed):
    chance = random.Random(seed)  # noqa: S311 - a test
    order = tasks(20)
    chance.shuffle(order)

    found = run(ollama.url, order)

    assert [each.name for each in order] == [each.name for each in found]
    assert [f"re: q{each.name}" for each in order] == [each.text for each in found]
    assert {"model"} == {each.source for each in found}


@pytest.mark.parametrize("most", [1, 5])
def test_no_more_are_asked_at_once_than_allowed(most):
    inside = worst = 0

    class Counted:
        async def answer(self, *_, **_how):
            nonlocal inside, worst
            inside += 1
            worst = max(worst, inside)
            await asyncio.sleep(0.005)
            inside -= 1
            raise UsageError("no")

    asyncio.run(run_batch(tasks(17), Counted(), most))

    assert most == worst


def test_one_that_fails_stops_no_other(ollama):
    asked = tasks(5)
    asked[2] = Task("bad", Request("absent", (Turn("user", "q"),)))

    found = run(ollama.url, asked)

    assert [None] * 2 == [each.error for each in found[:2]]
    assert "MissingError" == found[2].error["kind"]
    assert "ollama pull absent" in found[2].error["hint"]
    assert "re: q4" == found[4].text


def test_it_is_told_how_far_it_is(ollama):
    told = []

    run(ollama.url, tasks(3), 1, Way(show=told.append))

    assert [Far(1, 3, 0), Far(2, 3, 0), Far(3, 3, 0)] == told


def test_equal_requests_are_one_call(ollama, tmp_path):
    ollama.first = 0.1
    same = [Task(str(each), tasks(1, temperature=0)[0].request) for each in range(10)]
    with AnswerCache(tmp_path / "a") as cache:
        found = run(ollama.url, same, 5, cache=cache)

    assert 1 == len(ollama.asked)
    assert {"model", "shared", "cache"} == {each.source for each in found}


def test_what_was_cut_short_goes_on_where_it_was(ollama, tmp_path):
    ollama.first = 0.05
    with Journal(tmp_path / "j") as journal, pytest.raises(TimeoutError):
        run(ollama.url, tasks(40), 4, Way(journal), seconds=0.4)
    before = len(ollama.asked)
    with (tmp_path / "j").open("ab") as file:
        file.write(b'{"key": "torn')

    with Journal(tmp_path / "j") as journal:
        known = len(journal.done)
        found = run(ollama.url, tasks(40), 4, Way(journal))

    assert 0 < known < 40
    assert known == sum(each.source == "journal" for each in found)
    assert 40 - known == len(ollama.asked) - before
    assert [f"re: q{each}" for each in range(40)] == [each.text for each in found]


def test_what_failed_and_what_is_asked_otherwise_is_asked_again(ollama, tmp_path):
    with Journal(tmp_path / "j") as journal:
        ollama.broken = 0
        run(ollama.url, tasks(1), 1, Way(journal))
        ollama.broken = None
        run(ollama.url, tasks(1), 1, Way(journal))
    with Journal(tmp_path / "j") as journal:
        again = run(ollama.url, tasks(1), 1, Way(journal))
        other = run(ollama.url, tasks(1, seed=1), 1, Way(journal))

    assert ["journal", "model"] == [each[0].source for each in (again, other)]
    assert 3 == len(ollama.asked)


def test_a_journal_has_one_run_at_a_time(tmp_path):
    with Journal(tmp_path / "j"), pytest.raises(BusyError, match="another run"):
        Journal(tmp_path / "j")


def test_a_line_that_makes_no_sense_is_asked_again(tmp_path):
    (tmp_path / "j").write_bytes(b'nonsense\n{"key": "a", "outcome": {"name": "a"}}\n[]\n')

    with Journal(tmp_path / "j") as journal:
        assert {"a": {"name": "a"}} == journal.done


@pytest.mark.parametrize(
    ("asked", "most", "words"),
    [([*tasks(1), *tasks(1)], 1, "same id"), (tasks(1), 0, "at least one")],
)
def test_what_makes_no_sense_is_refused(asked, most, words):
    with pytest.raises(UsageError, match=words):
        asyncio.run(run_batch(asked, None, most))


def test_nothing_is_a_batch_as_well():
    assert [] == asyncio.run(run_batch([], None))
