# SPDX-License-Identifier: Apache-2.0
"""A pool of servers: which one is asked, what becomes of one that fails, how one is taken out."""

import asyncio
import functools
from contextlib import aclosing, asynccontextmanager

import pytest

from beast_ops import http
from beast_ops.clock import Clock
from beast_ops.errors import (
    ConflictError,
    MissingError,
    RestingError,
    ServiceError,
    SlowError,
    UnavailableError,
)
from beast_ops.llm.ollama_server import OllamaServer
from beast_ops.llm.pool import AGAIN_SECONDS, FRESH_SECONDS, Member, Pool
from beast_ops.llm.talk import Chat, Ending, Message, Piece, Prompt, whole
from beast_ops.llm.testing import EMBEDS, WRITES, fake_ollama
from beast_ops.llm.wire import Terms
from beast_ops.resilience import Guards
from beast_ops.testing import free_port

END = Ending("stop", 1, 1)


def in_a_loop(test):
    """Run an asynchronous *test*, for not longer than it may ever take."""

    @functools.wraps(test)
    def run(*args, **more):
        asyncio.run(asyncio.wait_for(test(*args, **more), 30))

    return run


class Server:
    """A server that says its name, as fast as *go* lets it."""

    def __init__(self, name, models=("m",)):
        self.name, self.has, self.url = name, list(models), name
        self.fault = self.after = self.away = None
        self.asked = self.looked = 0
        self.go = asyncio.Event()
        self.go.set()

    async def models(self):
        self.looked += 1
        if self.away:
            raise self.away
        return self.has

    async def _say(self):
        self.asked += 1
        if self.fault:
            raise self.fault
        yield Piece(self.name)
        await self.go.wait()
        if self.after:
            raise self.after
        yield END

    def chat(self, _asked):
        return self._say()

    def complete(self, _asked):
        return self._say()

    async def embed(self, _model, texts):
        self.asked += 1
        if self.fault:
            raise self.fault
        return [[1.0] for _ in texts]


class Time:
    """A clock that stands until it is set."""

    def __init__(self):
        self.now = 0.0
        self.clock = Clock(monotonic=lambda: self.now)


def pool(*servers, time=None, **more):
    members = [Member(each.name, each, **more.get(each.name, {})) for each in servers]
    return Pool(members, (time or Time()).clock)


def hello(model="m"):
    return Chat(model, (Message("user", "Hello"),))


async def say(asked, model="m"):
    return (await whole(asked.chat(hello(model)))).text


@asynccontextmanager
async def held(asked, server):
    """Hold a call in the middle; it is over at the end."""
    server.go.clear()
    async with aclosing(asked.chat(hello())) as pieces:
        assert Piece(server.name) == await anext(pieces)
        yield
    server.go.set()


@in_a_loop
async def test_a_server_that_has_the_model_is_asked():
    a, b = Server("a", ["other"]), Server("b", ["m:latest"])
    asked = pool(a, b)

    assert "b" == await say(asked)
    assert ["other", "m:latest"] == await asked.models()
    assert (0, 1) == (a.asked, b.asked)


@in_a_loop
async def test_the_preferred_one_is_asked_as_long_as_it_has_a_place():
    far, near = Server("far"), Server("near")
    asked = pool(far, near, far={"rank": 2}, near={"at_once": 2})

    async with held(asked, near):
        assert "near" == await begin(asked)
        async with held(asked, near):
            assert "far" == await say(asked)


async def settle():
    """Let all that can go on do so: nothing here waits for anything but others here."""
    for _ in range(200):
        await asyncio.sleep(0)


async def begin(asked):
    """Return the first piece of an answer, and hang up."""
    async with aclosing(asked.chat(hello())) as pieces:
        return (await anext(pieces)).text


@in_a_loop
async def test_the_one_with_the_shortest_queue_for_its_size_is_asked():
    small, large = Server("small"), Server("large")
    asked = pool(small, large, large={"at_once": 4})
    small.go.clear()
    large.go.clear()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(10):
            tasks.create_task(say(asked))
        await settle()
        running = {each.name: each.running for each in asked.sights()}
        small.go.set()
        large.go.set()

    assert {"small": 2, "large": 8} == running
    assert [0, 0] == [each.running for each in asked.sights()]


@pytest.mark.parametrize("fault", [UnavailableError("away"), SlowError("slow"), MissingError("no")])
@in_a_loop
async def test_one_that_fails_before_the_first_piece_is_passed_over(fault):
    a, b = Server("a"), Server("b")
    asked, a.fault = pool(a, b, b={"rank": 1}), fault

    assert "b" == await say(asked)
    assert [[1.0]] == await asked.embed("m", ["x"])
    assert "b" == (await whole(asked.complete(Prompt("m", "x")))).text


@in_a_loop
async def test_what_was_begun_is_never_asked_again():
    a, b = Server("a"), Server("b")
    asked, a.after = pool(a, b, b={"rank": 1}), UnavailableError("broke off")

    with pytest.raises(UnavailableError, match="broke off"):
        await say(asked)

    assert (1, 0) == (a.asked, b.asked)
    assert "b" == await say(asked)


@in_a_loop
async def test_a_refusal_is_an_answer():
    a, b = Server("a"), Server("b")
    asked, a.fault = pool(a, b, b={"rank": 1}), ServiceError("no")

    with pytest.raises(ServiceError):
        await say(asked)

    assert 0 == b.asked
    assert asked.sights()[0].well


@in_a_loop
async def test_one_that_was_away_is_looked_at_again():
    time, a, b = Time(), Server("a"), Server("b")
    asked, a.away = pool(a, b, time=time, b={"rank": 1}), UnavailableError("away")

    assert "b" == await say(asked)
    assert (False, "away") == (asked.sights()[0].well, asked.sights()[0].why)
    a.away, time.now = None, AGAIN_SECONDS
    assert "a" == await say(asked)


@in_a_loop
async def test_one_that_is_left_alone_is_looked_at_when_that_is_over():
    time, a, b = Time(), Server("a"), Server("b")
    asked, a.away = pool(a, b, time=time, b={"rank": 1}), RestingError("rests", after=30.0)
    await say(asked)

    time.now = 29.0
    await say(asked)
    assert 1 == a.looked
    time.now = 30.0
    await say(asked)
    assert 2 == a.looked


@in_a_loop
async def test_a_model_that_was_fetched_is_seen():
    time, a = Time(), Server("a", ["other"])
    asked = pool(a, time=time)

    with pytest.raises(MissingError, match="no server of the pool has this model"):
        await say(asked)
    a.has.append("m")
    time.now = FRESH_SECONDS
    assert "a" == await say(asked)
    assert 2 == a.looked


@in_a_loop
async def test_if_none_answers_it_is_told_what_is_wrong_with_each():
    a, b, c = Server("a"), Server("b"), Server("c", ["other"])
    asked = pool(a, b, c)
    a.away, b.fault = UnavailableError("no power"), UnavailableError("no net")

    with pytest.raises(UnavailableError) as failed:
        await say(asked)

    said = str(failed.value)
    assert "after b (a: no power; b: no net; c: it does not have the model)" in said


@in_a_loop
async def test_a_model_that_vanished_from_the_only_server_is_missing():
    a = Server("a")
    asked = pool(a)
    await asked.look()
    a.has, a.fault = [], MissingError("gone")

    with pytest.raises(MissingError, match="no server of the pool has this model"):
        await say(asked)


@in_a_loop
async def test_a_pool_without_servers_says_so():
    with pytest.raises(UnavailableError, match="it has none"):
        await say(pool())
    with pytest.raises(UnavailableError, match="it has none"):
        await pool().models()


@in_a_loop
async def test_one_that_is_slow_to_look_at_holds_nobody_up(monkeypatch):
    monkeypatch.setattr("beast_ops.llm.pool.LOOK_SECONDS", 0.01)
    a, b = Server("a"), Server("b")
    never = asyncio.Event()

    async def models():
        await never.wait()

    a.models = models
    asked = pool(a, b)

    assert "b" == await say(asked)
    await asked.close()
    assert not asked._looks


@in_a_loop
async def test_many_at_once_look_once():
    a = Server("a")
    asked = pool(a)

    await asyncio.gather(*(say(asked) for _ in range(20)))

    assert (1, 20) == (a.looked, a.asked)


@in_a_loop
async def test_one_that_is_drained_ends_its_calls_and_gets_no_new_ones():
    a, b = Server("a"), Server("b")
    asked = pool(a, b, b={"rank": 1})
    a.go.clear()
    under_way = asyncio.create_task(say(asked))
    await settle()

    drained = asyncio.create_task(asked.drain("a", 30))
    await asyncio.sleep(0)
    assert asked.sights()[0].draining
    assert "b" == await say(asked)
    assert not drained.done()
    a.go.set()
    await drained

    assert "a" == await under_way
    assert 0 == asked.sights()[0].running
    asked.resume("a")
    assert "a" == await say(asked)


@in_a_loop
async def test_a_drain_that_takes_too_long_is_told_and_holds():
    a = Server("a")
    asked = pool(a)

    async with held(asked, a):
        with pytest.raises(SlowError, match="1 calls were not over"):
            await asked.drain("a", 0)

    with pytest.raises(UnavailableError, match="a: it is taken out"):
        await say(asked)


@in_a_loop
async def test_servers_come_and_go():
    a, b = Server("a"), Server("b")
    asked = pool(a)
    asked.add(Member("b", b, rank=-1))

    assert "b" == await say(asked)
    with pytest.raises(ConflictError):
        asked.add(Member("b", b))
    asked.remove("b")
    assert "a" == await say(asked)
    for act in (asked.resume, asked.remove):
        with pytest.raises(MissingError):
            act("b")
    with pytest.raises(MissingError):
        await asked.drain("b", 1)


def test_a_pool_of_real_connections_goes_on_without_one_of_its_servers():
    async def main(url):
        async with (
            http.async_client(url, seconds=30) as first,
            http.async_client(f"http://127.0.0.1:{free_port()}", seconds=30) as second,
        ):
            servers = {"here": first, "away": second}
            guards = Guards()
            asked = Pool(
                Member(name, OllamaServer(each, Terms(guards=guards)), rank=name == "here")
                for name, each in servers.items()
            )
            reply = await whole(asked.chat(hello(WRITES)))
            vectors = await asked.embed(EMBEDS, ["a", "b"])
            return reply.text, len(vectors), {each.name: each.well for each in asked.sights()}

    with fake_ollama() as double:
        found = asyncio.run(main(double.url))

    assert ("You asked something [1].", 2, {"here": True, "away": False}) == found
