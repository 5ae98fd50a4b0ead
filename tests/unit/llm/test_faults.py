# SPDX-License-Identifier: Apache-2.0
"""Every way in which a model server fails ends in the right error, in time, and is counted."""

import asyncio
import time
from dataclasses import replace

import pytest

from beast_ops import http
from beast_ops.clock import Clock
from beast_ops.errors import (
    RestingError,
    ServiceError,
    SlowError,
    UnavailableError,
)
from beast_ops.llm.calls import Calls
from beast_ops.llm.chat import ChatServer, Deadlines, Request, Turn
from beast_ops.llm.ollama_server import OllamaServer
from beast_ops.llm.openai_server import OpenAIServer
from beast_ops.llm.talk import Chat, Message, whole
from beast_ops.llm.testing import WRITES, fake_ollama
from beast_ops.llm.wire import Terms
from beast_ops.resilience import Guards, Policy
from beast_ops.resilience.policy import CHAT
from beast_ops.testing import free_port
from tests.raw_server import BUSY, FAULTS, raw

HI = Chat(WRITES, (Message("user", "Hello"),))
HELLO = Request(WRITES, (Turn("user", "Hello"),))
DEADLINE = 1.5
QUICK = replace(CHAT, wait=0.01)
SOON = Deadlines(first=0.4, next=0.4, whole=DEADLINE, look=DEADLINE)
PATIENT = Deadlines(first=20, next=20, whole=20, look=20)


def deadlines_for(error):
    """Return short ones only for what they are to end: on a busy machine all takes its time."""
    return SOON if error is SlowError else PATIENT


def outcomes(guards):
    found = {}
    for standings in guards.standings().values():
        for each in standings:
            assert 0 == each.figures.running
            for name, count in each.figures.outcomes.items():
                found[name] = found.get(name, 0) + count
    return {name: count for name, count in found.items() if count}


def chat(url, guards, deadlines=PATIENT):
    async def main():
        async with http.async_client(url, seconds=30) as client:
            return await ChatServer(client, Terms(deadlines, guards)).whole(HELLO)

    return asyncio.run(main())


def talk(kind):
    """Return the way to chat through a server of this *kind*."""

    def way(url, guards, deadlines=PATIENT):
        async def main():
            async with http.async_client(url, seconds=30) as client:
                return await whole(kind(client, Terms(deadlines, guards, QUICK)).chat(HI))

        return asyncio.run(main())

    return way


ollama, openai = talk(OllamaServer), talk(OpenAIServer)


def call(url, guards, deadlines=PATIENT):
    calls = Calls(url, 30, guards)

    def judge(answer):
        try:
            return answer.json()
        except ValueError as wrong:
            raise ServiceError("no JSON") from wrong

    try:
        return calls.post("/api/embed", {"model": WRITES}, judge, Policy(seconds=deadlines.whole))
    finally:
        calls.close()


@pytest.mark.parametrize("way", [chat, call, ollama, openai])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_error_and_its_count_within_the_deadline(way, fault):
    answer, error = FAULTS[fault]
    guards = Guards()
    with raw(answer) as (url, seen):
        begun = time.monotonic()
        with pytest.raises(error) as failed:
            way(url, guards, deadlines_for(error))
        took = time.monotonic() - begun

    name = {UnavailableError: "unavailable", SlowError: "slow", ServiceError: "refused"}[error]
    assert error is type(failed.value)
    assert took < deadlines_for(error).whole + 5  # else it hangs; a busy machine is late, too
    assert {name: 1} == outcomes(guards)
    assert (3 if error is UnavailableError else 1) == seen.calls


@pytest.mark.parametrize("way", [chat, call, ollama, openai])
def test_nobody_there_is_asked_thrice(way):
    guards = Guards()

    with pytest.raises(UnavailableError) as failed:
        way(f"http://127.0.0.1:{free_port()}", guards)

    assert UnavailableError is type(failed.value)
    assert {"unavailable": 1} == outcomes(guards)


@pytest.mark.parametrize(
    ("how", "after", "error"),
    [
        ("line", 0, ServiceError),
        ("line", 2, ServiceError),
        ("half", 2, UnavailableError),
        ("end", 2, UnavailableError),
        ("stall", 0, SlowError),
        ("stall", 2, SlowError),
        ("noise", 2, ServiceError),
    ],
)
def test_a_stream_that_breaks_is_asked_once_and_counted(how, after, error):
    guards = Guards()
    with fake_ollama() as double:
        double.broken, double.how = after, how
        with pytest.raises(error) as failed:
            chat(double.url, guards, deadlines_for(error))

    assert error is type(failed.value)
    assert 1 == sum(outcomes(guards).values())
    assert 1 == len(double.asked)


def test_the_wait_that_a_full_server_asks_for_is_kept():
    times = []

    def later(connection, _over):
        times.append(time.monotonic())
        connection.sendall(BUSY % b"Retry-After: 0.6\r\n")

    with raw(later) as (url, _), pytest.raises(UnavailableError) as failed:
        call(url, Guards())

    assert 0.6 == failed.value.after
    assert 0.55 < times[1] - times[0] < 5


def test_a_server_that_is_away_is_left_alone_and_comes_back():
    guards, port = Guards(), free_port()
    for _ in range(3):
        with pytest.raises(UnavailableError):
            chat(f"http://127.0.0.1:{port}", guards)

    with pytest.raises(RestingError, match="failed 3 times in a row, and is left alone for 30 s"):
        chat(f"http://127.0.0.1:{port}", guards)

    assert {"unavailable": 3, "resting": 1} == outcomes(guards)


def test_a_listener_who_hangs_up_is_no_fault_of_the_server():
    guards = Guards()

    async def main(url):
        async with http.async_client(url, seconds=30) as client:
            for _ in range(5):
                pieces = ChatServer(client, Terms(PATIENT, guards)).stream(HELLO)
                await anext(pieces)
                await pieces.aclose()

    with fake_ollama() as double:
        asyncio.run(main(double.url))

    assert {"left": 5} == outcomes(guards)


def test_an_answer_is_counted_as_one_and_its_connection_is_used_again():
    guards = Guards()

    async def main(url):
        async with http.async_client(url, seconds=30) as client:
            server = ChatServer(client, Terms(PATIENT, guards))
            for _ in range(3):
                await server.whole(HELLO)
            return len(client._transport._pool.connections)

    with fake_ollama() as double:
        connections = asyncio.run(main(double.url))

    assert {"answered": 3} == outcomes(guards)
    assert 1 == connections


def test_a_server_that_came_back_is_asked_by_all_again():
    now = 0.0
    guards = Guards(Clock(monotonic=lambda: now))
    with fake_ollama() as double:
        double.status = 503
        for _ in range(3):
            with pytest.raises(UnavailableError):
                chat(double.url, guards)
        double.status, now = 0, 31.0

        for _ in range(2):
            chat(double.url, guards)

    [[standing]] = guards.standings().values()
    assert "closed" == standing.state


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fetch_that_fails_is_asked_once_and_counted(fault, monkeypatch):
    answer, error = FAULTS[fault]
    monkeypatch.setattr("beast_ops.llm.ollama_server.PULLING", deadlines_for(error))
    guards = Guards()

    async def main(url):
        async with http.async_client(url, seconds=30) as client:
            return [step async for step in OllamaServer(client, Terms(guards=guards)).pull("m")]

    with raw(answer) as (url, seen):
        begun = time.monotonic()
        with pytest.raises(error) as failed:
            asyncio.run(main(url))
        took = time.monotonic() - begun

    assert error is type(failed.value)
    assert took < deadlines_for(error).whole + 5  # else it hangs; a busy machine is late, too
    assert 1 == seen.calls == sum(outcomes(guards).values())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_look_that_fails_is_asked_twice_at_most_and_counted(fault):
    answer, error = FAULTS[fault]
    guards = Guards()

    async def main(url):
        async with http.async_client(url, seconds=30) as client:
            return await OpenAIServer(client, Terms(deadlines_for(error), guards)).models()

    with raw(answer) as (url, seen):
        begun = time.monotonic()
        with pytest.raises(error) as failed:
            asyncio.run(main(url))
        took = time.monotonic() - begun

    assert error is type(failed.value)
    assert took < deadlines_for(error).whole + 5  # else it hangs; a busy machine is late, too
    assert 1 == sum(outcomes(guards).values())
    assert (2 if error is UnavailableError else 1) == seen.calls
