# SPDX-License-Identifier: Apache-2.0
"""Both kinds of server of models: what is sent to them, and what is made of their answers."""

import asyncio
import json
from contextlib import aclosing

import pytest

from beast_ops import http
from beast_ops.errors import (
    ConflictError,
    MissingError,
    ServiceError,
    UnavailableError,
    UsageError,
)
from beast_ops.llm.listing import InMemory, Step
from beast_ops.llm.ollama_server import OllamaServer, at, once
from beast_ops.llm.openai_server import OpenAIServer
from beast_ops.llm.openai_server import at as openai_at
from beast_ops.llm.talk import (
    Chat,
    Ending,
    Message,
    Piece,
    Prompt,
    Reply,
    Sampling,
    Tool,
    ToolCall,
    whole,
)
from beast_ops.llm.testing import WRITES, fake_ollama
from beast_ops.llm.wire import Terms
from beast_ops.resilience import Guards
from beast_ops.testing import Canned, fake_service

WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {"town": {}}})
CALL = ToolCall("weather", {"town": "Rome"}, "c1")
PICTURE = b"\xff\xd8jpeg"
TALK = Chat(
    "m",
    (
        Message("system", "Be kind."),
        Message("user", "Weather?", images=(PICTURE,)),
        Message("assistant", calls=(CALL,)),
        Message("tool", "sunny", answers=CALL),
    ),
    (WEATHER,),
    Sampling(temperature=0, seed=7, longest=20, stop=("\n",), more={"num_ctx": 4096}),
    {"type": "object"},
)
SHORT = Chat("m", (Message("user", "Hello"),))


def ndjson(*lines):
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def events(*said, end=b"data: [DONE]\n\n"):
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in said) + end


def ask(kind, answers, act):
    """Return what *act* makes of a server of this *kind*, and the bodies that it was sent."""

    async def main(url):
        async with http.async_client(url, seconds=30) as client:
            return await act(kind(client, Terms(guards=Guards())))

    with fake_service(answers) as fake:
        found = asyncio.run(main(fake.address))
        return found, [json.loads(each.body or b"null") for each in fake.asked]


def steps(act):
    async def gather(server):
        async with aclosing(act(server)) as found:
            return [each async for each in found]

    return gather


DONE = {"done": True, "done_reason": "stop", "prompt_eval_count": 8, "eval_count": 2}
CALLED = {"function": {"name": "weather", "arguments": {"town": "Rome"}}}


def test_ollama_is_told_all_of_a_talk_and_its_calls_are_read():
    said = ndjson(
        {"message": {"content": "Let me "}},
        {"message": {"content": "see", "tool_calls": [CALLED]}},
        {"message": {"content": ""}, **DONE},
    )
    reply, [body] = ask(
        OllamaServer, {"/api/chat": Canned(said)}, lambda server: whole(server.chat(TALK))
    )

    asked = ToolCall("weather", {"town": "Rome"})
    assert Reply("Let me see", Ending("stop", 8, 2), (asked,)) == reply
    assert {
        "temperature": 0,
        "seed": 7,
        "num_predict": 20,
        "stop": ["\n"],
        "num_ctx": 4096,
    } == body["options"]
    assert [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Weather?", "images": ["/9hqcGVn"]},
        {"role": "assistant", "content": "", "tool_calls": [CALLED]},
        {"role": "tool", "content": "sunny", "tool_name": "weather"},
    ] == body["messages"]
    assert ({"type": "object"}, True, False) == (body["format"], body["stream"], body["truncate"])
    assert ["weather"] == [each["function"]["name"] for each in body["tools"]]


def test_openai_is_told_all_of_a_talk_and_its_calls_are_put_together():
    crumbs = [
        {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": '{"to'}},
        {"index": 0, "function": {"arguments": 'wn": "Rome"}'}},
    ]
    said = b": ping\n\n" + events(
        {"choices": [{"delta": {"role": "assistant", "content": None}}]},
        {"choices": [{"delta": {"content": "Let me see"}}]},
        *({"choices": [{"delta": {"tool_calls": [each]}}]} for each in crumbs),
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 2}},
    )
    reply, [body] = ask(
        OpenAIServer,
        {"/v1/chat/completions": Canned(said)},
        lambda server: whole(server.chat(TALK)),
    )

    assert Reply("Let me see", Ending("tool_calls", 8, 2), (CALL,)) == reply
    expected = {"temperature": 0, "seed": 7, "max_tokens": 20, "stop": ["\n"], "num_ctx": 4096}
    assert expected == {name: body[name] for name in expected}
    system, user, assistant, tool = body["messages"]
    assert {"role": "system", "content": "Be kind."} == system
    assert {"type": "text", "text": "Weather?"} == user["content"][0]
    assert "data:image/jpeg;base64,/9hqcGVn" == user["content"][1]["image_url"]["url"]
    [called] = assistant["tool_calls"]
    assert ("c1", '{"town": "Rome"}') == (called["id"], called["function"]["arguments"])
    assert {"role": "tool", "content": "sunny", "tool_call_id": "c1"} == tool
    assert {"type": "object"} == body["response_format"]["json_schema"]["schema"]


def test_a_text_is_gone_on_with_by_both():
    prompt = Prompt("m", "Once", Sampling(longest=2))
    old = ndjson({"response": " upon"}, {"response": "", **DONE})
    new = events({"choices": [{"text": " upon", "finish_reason": "length"}]})

    first, [told] = ask(
        OllamaServer, {"/api/generate": Canned(old)}, lambda server: whole(server.complete(prompt))
    )
    second, [sent] = ask(
        OpenAIServer,
        {"/v1/completions": Canned(new)},
        lambda server: whole(server.complete(prompt)),
    )

    assert (Reply(" upon", Ending("stop", 8, 2)), "Once") == (first, told["prompt"])
    assert (Reply(" upon", Ending("length", 0, 0)), 2) == (second, sent["max_tokens"])


def test_vectors_come_in_the_order_of_the_texts():
    rows = [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2]}]

    found, [body] = ask(
        OpenAIServer,
        {"/v1/embeddings": Canned({"data": rows})},
        lambda server: server.embed("m", ["a", "b"]),
    )

    assert [[1, 2], [3, 4]] == found
    assert ["a", "b"] == body["input"]


@pytest.mark.parametrize("rows", [[[1.0]], [[1.0], [1.0, 2.0]], [["a"], ["b"]], None, [1, 2]])
def test_vectors_that_do_not_fit_are_no_answer(rows):
    with pytest.raises(ServiceError, match="like a model server"):
        ask(
            OllamaServer,
            {"/api/embed": Canned({"embeddings": rows})},
            lambda server: server.embed("m", ["a", "b"]),
        )


def test_an_address_may_end_in_the_version_of_the_api():
    def act(_server):
        async def main():
            async with openai_at(f"{fake.address}/v1") as server:
                return await server.models()

        return main()

    with fake_service({"/v1/models": Canned({"data": [{"id": "m"}]})}) as fake:
        assert ["m"] == asyncio.run(act(None))


ANY = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            Canned(events({"choices": [{"delta": {"content": "a"}}]}, end=b"")),
            UnavailableError,
            "hung up",
        ),
        (Canned(events({"error": {"message": "out of memory"}})), ServiceError, "out of memory"),
        (Canned(b'error: {"code": 500, "message": "lost"}\n\n'), ServiceError, "lost"),
        (Canned(b'{"choices": []}\n'), ServiceError, "no answer that can be read"),
        (Canned(b"data: {\n\n"), ServiceError, "no answer that can be read"),
        (Canned(b"data: []\n\n"), ServiceError, "no answer that can be read"),
        (
            Canned({"error": {"message": "Loading model", "type": "unavailable_error"}}, 503),
            UnavailableError,
            "busy: Loading model",
        ),
        (Canned({"error": {"message": "no such model"}}, 404), MissingError, "does not have"),
        (Canned({"error": {"message": "context size"}}, 400), UsageError, "context size"),
        (
            Canned({"error": {"message": "this does not support tools"}}, 400),
            ConflictError,
            "tools",
        ),
        (Canned({"error": {"message": "Invalid API Key"}}, 401), ServiceError, "Invalid API Key"),
    ],
)
def test_what_an_openai_server_does_wrong_is_an_error_of_ours(answer, error, words):
    with pytest.raises(error, match=words) as failed:
        ask(OpenAIServer, {ANY: answer}, lambda server: whole(server.chat(SHORT)))

    assert error is type(failed.value)


def test_a_token_is_shown_and_never_told(tmp_path):
    key = tmp_path / "key"
    key.write_text("s3cret")
    key.chmod(0o600)

    async def main(url):
        async with openai_at(http.Guarded(url, key)) as server:
            return await server.models()

    with fake_service({"/v1/models": Canned({"error": {"message": "no"}}, 401)}) as fake:
        with pytest.raises(ServiceError) as failed:
            asyncio.run(main(fake.address))
        [asked] = fake.asked

    assert "Bearer s3cret" == asked.headers["authorization"]
    assert "s3cret" not in failed.value.paragraph()


def test_the_way_of_a_model_into_ollama_and_out_of_it():
    async def act(server):
        pulled = [step async for step in server.pull("new")]
        await server.copy("new", "other")
        made = [step.status async for step in server.create("third", "new", system="Be brief.")]
        there = await server.models()
        for name in ("new", "other", "third"):
            await server.delete(name)
        return pulled, made, there, await server.models(), await server.version()

    with fake_ollama() as double:
        before = list(double.capabilities)
        pulled, made, there, after, version = once(double.url, act)

    assert Step("pulling manifest") == pulled[0]
    assert Step("pulling 5f6e", "sha256:5f6e", 1_000_000_000, 300_000_000) == pulled[4]
    assert "success" == pulled[-1].status == made[-1]
    assert {*before, "new:latest", "other:latest", "third:latest"} == set(there)
    assert before == after
    assert "0.32.15" == version


def test_what_is_not_there_cannot_be_copied_deleted_or_shown():
    acts = [
        lambda server: server.copy("none", "other"),
        lambda server: server.delete("none"),
        lambda server: server.show("none"),
    ]
    with fake_ollama() as double:
        for act in acts:
            with pytest.raises(MissingError, match="does not have this model") as failed:
                once(double.url, act)
            assert "none" == failed.value.subject


def test_what_ollama_knows_of_a_model_is_told():
    async def main(url):
        async with at(url) as server:
            return await server.show(WRITES), await server.installed(), await server.running()

    with fake_ollama() as double:
        double.loaded = [{"name": WRITES, "size": 10, "size_vram": 4}]
        about, models, running = asyncio.run(main(double.url))

    assert (("completion",), 8192) == (about.capabilities, about.context)
    assert ["llama", "llama"] == [each.family for each in models]
    assert {WRITES: InMemory(10, 4)} == running


@pytest.mark.parametrize("path", ["/api/copy", "/api/delete", "/api/pull", "/api/create"])
def test_what_changes_something_is_asked_once(path):
    acts = {
        "/api/copy": lambda server: server.copy("m", "n"),
        "/api/delete": lambda server: server.delete("m"),
        "/api/pull": steps(lambda server: server.pull("m")),
        "/api/create": steps(lambda server: server.create("m", "n")),
    }
    with fake_service({path: Canned({"error": "busy"}, 503)}) as fake:

        async def main():
            async with http.async_client(fake.address, seconds=30) as client:
                return await acts[path](OllamaServer(client, Terms(guards=Guards())))

        with pytest.raises(UnavailableError, match="busy"):
            asyncio.run(main())

        assert 1 == len(fake.asked)


def test_making_a_model_that_ends_before_success_is_no_success():
    with pytest.raises(UnavailableError, match="broke off while it made m"):
        ask(
            OllamaServer,
            {"/api/create": Canned(ndjson({"status": "writing manifest"}))},
            steps(lambda server: server.create("m", "n")),
        )


def test_pieces_come_as_they_are_made():
    with fake_ollama() as double:
        double.answer = lambda _: ["Good ", "day"]
        found, ended = [], None

        async def main():
            async with at(double.url) as server:
                talk = Chat(WRITES, (Message("user", "Hi"),))
                return [piece async for piece in server.chat(talk)]

        *found, ended = asyncio.run(main())

    assert [Piece("Good "), Piece("day")] == found
    assert Ending("stop", 8, 2) == ended
