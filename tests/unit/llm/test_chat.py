# SPDX-License-Identifier: Apache-2.0
"""Chat with a model server, and every way in which it can fail."""

import asyncio
import time
from contextlib import aclosing

import pytest

from beast_ops import http
from beast_ops.errors import ConflictError, MissingError, ServiceError, UnavailableError
from beast_ops.llm.chat import ChatServer, Deadlines, Ending, Request, Said, Turn
from beast_ops.llm.testing import EMBEDS, WRITES, fake_ollama
from beast_ops.llm.wire import Terms
from beast_ops.testing import free_port

HELLO = Request(WRITES, (Turn("system", "Be kind."), Turn("user", "Hello")), {"num_ctx": 4096})
SOON = Deadlines(first=0.3, next=0.3, whole=5, look=0.3)


@pytest.fixture
def ollama():
    with fake_ollama() as double:
        yield double


def run(url, act, deadlines=None):
    async def main():
        async with http.async_client(url, seconds=30) as client:
            return await act(ChatServer(client, Terms(deadlines or Deadlines())))

    return asyncio.run(main())


def whole(url, asked=HELLO, deadlines=None):
    return run(url, lambda server: server.whole(asked), deadlines)


def test_an_answer_comes_in_pieces_and_with_its_counts(ollama):
    async def act(server):
        return [piece async for piece in server.stream(HELLO)]

    ollama.answer = lambda _: ["Good ", "day"]

    assert ["Good ", "day", Ending("stop", 8, 2)] == run(ollama.url, act)
    [asked] = ollama.asked
    assert {"num_ctx": 4096} == asked["options"]
    assert ["system", "user"] == [each["role"] for each in asked["messages"]]


def test_a_whole_answer_is_its_pieces(ollama):
    ollama.answer = lambda _: ["Good ", "day"]

    assert Said("Good day", Ending("stop", 8, 2)) == whole(ollama.url)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("line", ServiceError, "failed: model runner has unexpectedly stopped"),
        ("half", UnavailableError, "does not answer"),
        ("end", UnavailableError, "hung up before its answer ended"),
        ("stall", UnavailableError, "took too long"),
        ("noise", ServiceError, "no answer that can be read"),
    ],
)
@pytest.mark.parametrize("after", [0, 2])
def test_what_breaks_in_the_middle_is_an_error(ollama, how, error, words, after):
    ollama.broken, ollama.how = after, how

    with pytest.raises(error, match=words):
        whole(ollama.url, deadlines=SOON if how == "stall" else None)


def test_a_full_queue_is_told_as_busy(ollama):
    ollama.status = 503

    with pytest.raises(UnavailableError, match="busy: server busy, please try again"):
        whole(ollama.url)


def test_a_model_that_is_not_there_comes_with_the_way_to_get_it(ollama):
    with pytest.raises(MissingError) as caught:
        whole(ollama.url, Request("qwen3", HELLO.turns))

    assert "ollama pull qwen3" in caught.value.hint


def test_a_model_that_only_embeds_does_not_chat(ollama):
    with pytest.raises(ConflictError, match="does not support chat"):
        whole(ollama.url, Request(EMBEDS, HELLO.turns))


def test_a_server_that_is_away_is_unavailable():
    with pytest.raises(UnavailableError, match="does not answer"):
        whole(f"http://127.0.0.1:{free_port()}")


def test_a_slow_first_piece_has_a_deadline_of_its_own(ollama):
    ollama.first = 0.5

    assert whole(ollama.url, deadlines=Deadlines(first=5, next=0.3)).text
    with pytest.raises(UnavailableError, match="too long"):
        whole(ollama.url, deadlines=SOON)


def test_an_answer_that_never_ends_is_cut_off(ollama):
    ollama.answer, ollama.gap = lambda _: ["more "] * 1000, 0.05
    begun = time.monotonic()

    with pytest.raises(UnavailableError, match="too long"):
        whole(ollama.url, deadlines=Deadlines(whole=0.5))

    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("pieces", [0, 2], ids=["before the first piece", "in the middle"])
def test_who_stops_listening_stops_the_server(ollama, pieces):
    ollama.answer, ollama.gap = lambda _: ["more "] * 1000, 0.02
    ollama.first = 0 if pieces else 60

    async def act(server):
        async def listen():
            heard = 0
            async with aclosing(server.stream(HELLO)) as stream:
                async for _ in stream:
                    heard += 1
                    if heard == pieces:
                        return

        task = asyncio.create_task(listen())
        await asyncio.wait([task], timeout=0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(ollama.url, act)
    deadline = time.monotonic() + 5
    while not ollama.given_up and time.monotonic() < deadline:
        time.sleep(0.02)

    assert 1 == ollama.given_up


@pytest.mark.parametrize("told", [True, False], ids=["by the list", "one by one"])
def test_models_that_write_are_told_from_those_that_embed(ollama, told):
    ollama.told = told

    assert [WRITES] == run(ollama.url, lambda server: server.models())


def test_what_a_model_sees_at_once_is_known(ollama):
    ollama.context = 2048

    assert 2048 == run(ollama.url, lambda server: server.model(WRITES)).context
    with pytest.raises(ConflictError, match="makes no text"):
        run(ollama.url, lambda server: server.model(EMBEDS))
    with pytest.raises(MissingError, match="does not have this model"):
        run(ollama.url, lambda server: server.model("qwen3"))
