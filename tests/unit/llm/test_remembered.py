# SPDX-License-Identifier: Apache-2.0
"""Answers through the cache, from the double of a model server."""

import asyncio

import pytest

from beast_ops import http
from beast_ops.clock import Clock
from beast_ops.errors import MissingError, ServiceError
from beast_ops.llm import remembered
from beast_ops.llm.answers import AnswerCache
from beast_ops.llm.chat import ChatServer, Request, Turn
from beast_ops.llm.flights import Flights
from beast_ops.llm.remembered import Remembering
from beast_ops.llm.testing import WRITES, fake_ollama
from beast_ops.llm.wire import Terms
from beast_ops.resilience import Guards

HELLO = Request(WRITES, (Turn("user", "Hello"),), {"temperature": 0})


@pytest.fixture
def ollama():
    with fake_ollama() as double:
        yield double


@pytest.fixture
def cache(tmp_path):
    with AnswerCache(tmp_path / "a") as made:
        yield made


def run(url, cache, act, clock=None):
    async def main():
        async with http.async_client(url, seconds=30) as client:
            server = ChatServer(client, Terms(guards=Guards()))
            return await act(Remembering(server, cache, *([clock] if clock else [])))

    return asyncio.run(main())


def test_what_would_be_said_again_is_asked_once(ollama, cache):
    async def act(models):
        return [await models.answer(HELLO) for _ in range(3)]

    first, *others = run(ollama.url, cache, act)

    assert "model" == first.source
    assert ["cache", "cache"] == [each.source for each in others]
    assert {first.said} == {each.said for each in others}
    assert 1 == len(ollama.asked)


@pytest.mark.parametrize(("always", "asked"), [(False, 2), (True, 1)])
def test_what_would_be_said_otherwise_is_remembered_only_if_asked(ollama, cache, always, asked):
    async def act(models):
        for _ in range(2):
            await models.answer(Request(WRITES, HELLO.turns), always=always)

    run(ollama.url, cache, act)

    assert asked == len(ollama.asked)


def test_without_a_cache_the_model_is_asked(ollama):
    async def act(models):
        return [(await models.answer(HELLO)).source for _ in range(2)]

    assert ["model", "model"] == run(ollama.url, None, act)


def test_a_hundred_who_ask_the_same_at_once_are_one_call(ollama, cache):
    ollama.first = 0.2

    async def act(models):
        return await asyncio.gather(*(models.answer(HELLO) for _ in range(100)))

    found = run(ollama.url, cache, act)

    assert 1 == len(ollama.asked)
    assert 99 == sum(each.source == "shared" for each in found)


def test_other_weights_under_the_same_name_are_asked_anew(ollama, cache):
    seconds = 0.0
    clock = Clock(monotonic=lambda: seconds)

    async def act(models):
        nonlocal seconds
        sources = [(await models.answer(HELLO)).source]
        ollama.digests[WRITES] = "1" * 64
        seconds += remembered.FRESH_SECONDS + 1
        sources.append((await models.answer(HELLO)).source)
        sources.append((await models.answer(HELLO)).source)
        return sources

    assert ["model", "model", "cache"] == run(ollama.url, cache, act, clock)


def test_an_answer_of_weights_that_changed_meanwhile_is_not_kept(ollama, cache):
    seconds = 0.0

    def answer(_):
        nonlocal seconds
        seconds += remembered.FRESH_SECONDS + 1
        ollama.digests[WRITES] = "1" * 64
        return ["other"]

    ollama.answer = answer
    run(ollama.url, cache, lambda models: models.answer(HELLO), Clock(monotonic=lambda: seconds))

    assert (0, 0) == cache.size()


def test_failures_are_shared_but_not_kept(ollama, cache):
    ollama.broken, ollama.first = 0, 0.1

    async def act(models):
        asked = (models.answer(HELLO) for _ in range(5))
        failed = await asyncio.gather(*asked, return_exceptions=True)
        ollama.broken = None
        return failed, await models.answer(HELLO)

    failed, got = run(ollama.url, cache, act)

    assert [ServiceError] * 5 == [type(each) for each in failed]
    assert "model" == got.source
    assert 2 == len(ollama.asked)


def test_a_model_that_is_not_there_is_named(ollama, cache):
    with pytest.raises(MissingError, match="does not have this model"):
        run(ollama.url, cache, lambda models: models.answer(Request("no", (), {"seed": 1})))


def test_nothing_is_a_result_like_any_other():
    async def nothing():
        await asyncio.sleep(0)

    async def main():
        flights = Flights()
        return await asyncio.gather(*(flights.run("k", nothing) for _ in range(3)))

    assert [(None, False), (None, True), (None, True)] == asyncio.run(main())


def test_a_flight_goes_on_without_its_beginner_and_ends_without_anybody():
    ended = []

    async def slow():
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        ended.append("done")
        return 1

    async def main():
        flights = Flights()
        first, second = (asyncio.create_task(flights.run("k", slow)) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        assert (1, True) == await second
        alone = asyncio.create_task(flights.run("k", slow))
        await asyncio.sleep(0.01)
        alone.cancel()
        await asyncio.sleep(0.01)
        return len(flights)

    assert 0 == asyncio.run(main())
    assert ["done", "cancelled"] == ended
