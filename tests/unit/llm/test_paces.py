# SPDX-License-Identifier: Apache-2.0
"""How fast real answers were, as the server tells it with their last line."""

import asyncio
import json

import pytest

from beast_ops import http
from beast_ops.llm import ollama_server
from beast_ops.llm.chat import ChatServer, Request, Turn
from beast_ops.llm.ollama_server import OllamaServer
from beast_ops.llm.paces import Paces
from beast_ops.llm.talk import Chat, Message, Prompt, whole
from beast_ops.llm.wire import Terms
from beast_ops.resilience import Guards
from beast_ops.testing import Canned, fake_service

ASKED = Chat("m", (Message("user", "Hello"),))


@pytest.fixture
def paces(monkeypatch):
    found = Paces()
    monkeypatch.setattr(ollama_server, "PACES", found)
    return found


def answered(act, **said):
    """Return the answer of a server that ends it so, and where that server was."""
    line = {"message": {"content": "Hi"}, "response": "Hi"}
    last = {**line, "done": True, "prompt_eval_count": 8, "eval_count": 50, **said}
    body = Canned(b"".join(json.dumps(each).encode() + b"\n" for each in (line, last)))

    async def main(url):
        async with http.async_client(url, seconds=30) as client:
            return await whole(act(OllamaServer(client, Terms(guards=Guards()))))

    with fake_service({"/api/chat": body, "/api/generate": body}) as fake:
        return asyncio.run(main(fake.address)), fake.address


@pytest.mark.parametrize(
    "act",
    [lambda server: server.chat(ASKED), lambda server: server.complete(Prompt("m", "Hello"))],
    ids=["chat", "complete"],
)
def test_an_answer_tells_how_long_it_took(paces, act):
    reply, url = answered(act, eval_duration=500_000_000)
    (found,) = paces.taken()

    assert 0.5 == reply.ending.seconds
    assert (url, "m", 50, 0.5) == (
        found.server.rstrip("/"),
        found.model,
        found.tokens,
        found.seconds,
    )


def test_an_answer_in_a_chat_tells_it_too(paces):
    body = Canned(
        json.dumps({"done": True, "eval_count": 50, "eval_duration": 10**9, "message": {}}).encode()
        + b"\n"
    )

    async def main(url):
        async with http.async_client(url, seconds=30) as client:
            chats = ChatServer(client, Terms(guards=Guards()))
            asked = Request("m", (Turn("user", "Hello"),))
            return [each async for each in chats.stream(asked)]

    with fake_service({"/api/chat": body}) as fake:
        asyncio.run(main(fake.address))

    assert [("m", 50, 1.0)] == [(each.model, each.tokens, each.seconds) for each in paces.taken()]


@pytest.mark.parametrize("said", [{}, {"eval_duration": 0}, {"eval_duration": "nonsense"}])
def test_one_that_does_not_tell_counts_for_nothing(paces, said):
    reply, _ = answered(lambda server: server.chat(ASKED), **said)

    assert (0.0, []) == (reply.ending.seconds, paces.taken())
