# SPDX-License-Identifier: Apache-2.0
"""Chat through OpenAI's API: its own client is content, and so are others."""

import asyncio
import json
import time
from dataclasses import replace

import openai
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from beast_ops import http
from beast_ops.api.app import build
from beast_ops.api.openai_errors import OpenAiErrors
from beast_ops.api.routes_openai import _told
from beast_ops.chat.answer import NOTHING
from beast_ops.llm.hashing import HashEmbedder
from beast_ops.llm.testing import WRITES, echo, fake_ollama
from beast_ops.testing import Passage, fill, serving

from .conftest import TOKEN

ASKED = [{"role": "user", "content": "How often do I rotate the keys?"}]
BODY = {"model": "beast/docs", "messages": ASKED}


@pytest.fixture(scope="module")
def double():
    with fake_ollama() as found:
        yield found


@pytest.fixture
def ollama(double):
    """Return the double, well again and with nothing remembered."""
    double.answer, double.status, double.broken, double.how = echo, 0, None, "line"
    double.first = double.gap = 0.0
    double.given_up = 0
    double.asked.clear()
    return double


@pytest.fixture(scope="module")
def address(stack, double):
    around = replace(stack.around, models_url=double.url)
    with serving(build(around)) as found:
        yield found


@pytest.fixture(scope="module")
def api(address):
    with http.client(address, headers={"authorization": f"Bearer {TOKEN}"}, seconds=20) as client:
        yield client


@pytest.fixture(scope="module")
def theirs(address):
    with openai.OpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0) as client:
        yield client


def streamed(api, **more):
    with api.stream(
        "POST", "/v1/chat/completions", json={**BODY, "stream": True, **more}
    ) as answer:
        assert answer.status_code == 200, answer.read()
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def text_of(chunks):
    deltas = [each["choices"][0]["delta"] for each in chunks[:-1] if each.get("choices")]
    return "".join(delta.get("content", "") for delta in deltas)


def wait_for(true, seconds=5):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def test_each_collection_is_a_model(theirs):
    assert ["beast/docs"] == [each.id for each in theirs.models.list()]
    assert "beast/docs" == theirs.models.retrieve("beast/docs").id
    with pytest.raises(openai.NotFoundError, match="no such model"):
        theirs.models.retrieve("beast/none")


def test_what_others_keep_in_the_same_store_is_no_model(stack, theirs):
    with http.client(stack.vectors.url, headers={"api-key": stack.vectors.key}) as store:
        body = {"vectors": {"size": 4, "distance": "Cosine"}}
        store.put("/collections/open-webui_files", json=body).raise_for_status()
        try:
            assert ["beast/docs"] == [each.id for each in theirs.models.list()]
        finally:
            store.delete("/collections/open-webui_files")


def test_their_client_streams_an_answer_with_its_source(theirs, ollama):
    stream = theirs.chat.completions.create(
        model="beast/docs", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)

    text = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
    assert "You asked something [1]." == text.partition("\n\n")[0]
    assert "- [1] [keys.md](file://host/docs/keys.md)" in text
    assert "stop" == [each for each in chunks if each.choices][-1].choices[0].finish_reason
    assert 13 == chunks[-1].usage.total_tokens
    assert "Rotate the keys of the store" in ollama.asked[0]["messages"][-1]["content"]


def test_their_client_gets_a_whole_answer(theirs, ollama):
    answer = theirs.chat.completions.create(
        model="beast/docs", messages=ASKED, temperature=0, max_tokens=50
    )

    assert answer.choices[0].message.content.startswith("You asked something [1].\n\n**Sources**")
    assert (8, 5) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    beast = answer.model_extra["beast"]
    assert WRITES == beast["model"]
    assert ["keys.md"] == [each["title"] for each in beast["sources"]]
    assert ([1], 0) == (beast["cited"], beast["removed"])
    assert {"num_predict": 50, "num_ctx": 4096, "temperature": 0} == ollama.asked[0]["options"]


def test_made_up_citations_are_removed_and_counted(api, ollama):
    ollama.answer = lambda _: ["So it is [", "9", "], surely [1]."]
    chunks = streamed(api)

    assert text_of(chunks).startswith("So it is, surely [1].")
    assert 1 == chunks[-2]["beast"]["removed"]


def test_what_nobody_wrote_about_is_said_without_a_model(api, ollama):
    asked = [{"role": "user", "content": "zyzzyva"}]

    assert NOTHING == text_of(streamed(api, messages=asked))
    assert [] == ollama.asked


@pytest.mark.usefixtures("ollama")
def test_open_webui_gets_its_sources_in_the_order_of_their_numbers(api):
    long = {"role": "user", "content": "cats " * 4000}
    asked = {"role": "user", "content": "Do cats rotate the keys?"}
    chunks = streamed(api, messages=[long, asked])

    shown = [each["event"] for each in chunks[:-1] if "event" in each]
    sources = [each["data"] for each in shown if each["type"] == "source"]
    known = chunks[0]["beast"]["sources"]
    assert 2 == len(sources)
    assert [each["text"] for each in known] == [each["document"][0] for each in sources]
    assert 2 == len({each["metadata"][0]["source"] for each in sources})
    named = [f"{each['number']}. {each['title']}" for each in known]
    assert named == [each["source"]["name"] for each in sources]
    [note] = [each["data"]["description"] for each in shown if each["type"] == "status"]
    assert "Left out, for the model sees no more at once: 1 earlier message." == note


@pytest.mark.usefixtures("ollama")
def test_every_chunk_but_the_usage_has_a_choice(api):
    assert all(each["choices"] for each in streamed(api)[:-1])


@pytest.mark.usefixtures("ollama")
def test_parts_of_text_and_unknown_fields_are_fine_pictures_are_not(api):
    parts = [{"type": "text", "text": "Rotate keys?"}]
    asked = [{"role": "user", "content": parts, "name": "x"}]

    assert api.post(
        "/v1/chat/completions", json={**BODY, "messages": asked, "user": "u", "tools": []}
    ).is_success
    parts.append({"type": "image_url", "image_url": {"url": "data:,"}})
    answer = api.post("/v1/chat/completions", json={**BODY, "messages": asked})
    assert 422 == answer.status_code
    assert "only text" in answer.json()["error"]["message"]


def test_what_a_client_wants_of_all_answers_and_said_before_is_passed_on(api, ollama):
    before = [
        {"role": "system", "content": "Talk like a pirate."},
        {"role": "user", "content": "Cats?"},
        {"role": "assistant", "content": "They sleep [2]."},
    ]
    streamed(api, messages=[*before, *ASKED])

    sent = ollama.asked[0]["messages"]
    assert ["system", "user", "assistant", "user"] == [each["role"] for each in sent]
    assert sent[0]["content"].endswith("Talk like a pirate.")
    assert "They sleep." == sent[2]["content"]


def test_an_errand_of_open_webui_goes_to_the_model_alone(api, ollama):
    errand = "### Task:\nFind a title.\n<chat_history>\nUSER: keys\n</chat_history>"
    answer = api.post(
        "/v1/chat/completions", json={**BODY, "messages": [{"role": "user", "content": errand}]}
    )

    assert "You asked something [1]." == answer.json()["choices"][0]["message"]["content"]
    assert [errand] == [each["content"] for each in ollama.asked[0]["messages"]]


REFUSED = {
    "no such collection": ({"model": "beast/none"}, 404),
    "no such model": ({"model": "gpt-4o"}, 404),
    "messages": ({"messages": []}, 422),
    "the last message is no question": ({"messages": [{"role": "assistant", "content": "x"}]}, 422),
    "is no question": ({"messages": [{"role": "user", "content": " "}]}, 422),
    "n:": ({"n": 2}, 422),
}


@pytest.mark.usefixtures("ollama")
@pytest.mark.parametrize("words", REFUSED)
@pytest.mark.parametrize("stream", [True, False])
def test_refusals_have_the_shape_that_openai_has(api, words, stream):
    change, status = REFUSED[words]
    answer = api.post("/v1/chat/completions", json={**BODY, "stream": stream, **change})

    assert status == answer.status_code, answer.text
    error = answer.json()["error"]
    assert {"message", "type", "param", "code", "hint"} == set(error)
    assert "invalid_request_error" == error["type"]
    assert words in error["message"]
    assert error["hint"] in error["message"]
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_the_guards_refusals_have_that_shape_too(address):
    with (
        openai.OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()

    assert "authentication_error" == caught.value.type


def test_other_routes_keep_our_shape(api):
    assert {"code", "message", "hint", "id"} == set(api.get("/none").json()["error"])


@pytest.mark.parametrize("stream", [True, False])
def test_a_busy_model_server_is_told_by_the_status(theirs, ollama, stream):
    ollama.status = 503

    with pytest.raises(openai.InternalServerError, match="busy") as caught:
        theirs.chat.completions.create(model="beast/docs", messages=ASKED, stream=stream)

    assert 503 == caught.value.status_code


def test_what_breaks_in_the_middle_is_told_in_the_stream(theirs, ollama):
    ollama.broken = 2
    heard = []

    def listen():
        chunks = theirs.chat.completions.create(model="beast/docs", messages=ASKED, stream=True)
        for chunk in chunks:
            heard.append(chunk.choices[0].delta.content)  # noqa: PERF401 - kept when it raises

    with pytest.raises(openai.APIError, match="unexpectedly stopped"):
        listen()

    assert "You asked" in "".join(filter(None, heard))


def test_what_nobody_foresaw_is_told_in_the_stream_without_its_words():
    async def broken():
        yield b"data: {}\n\n"
        raise ValueError("a secret")

    async def listen():
        return [piece async for piece in _told(broken())]

    _, last = asyncio.run(listen())
    assert b"something went wrong here" in last
    assert b"secret" not in last


def test_a_refusal_that_is_not_ours_passes_as_it_is():
    async def page(_):
        return PlainTextResponse("gone", 410)

    with (
        serving(OpenAiErrors(Starlette(routes=[Route("/v1/x", page)]))) as url,
        http.client(url) as one,
    ):
        answer = one.get("/v1/x")

    assert (410, "gone") == (answer.status_code, answer.text)


@pytest.mark.parametrize("first", [60, 0], ids=["before the first word", "in the middle"])
def test_who_hangs_up_stops_the_model(api, ollama, first):
    ollama.first, ollama.gap = first, 0.02
    ollama.answer = lambda _: ["more "] * 5000

    def hang_up():
        with api.stream(
            "POST", "/v1/chat/completions", json={**BODY, "stream": True}, timeout=0.7
        ) as answer:
            for number, _ in enumerate(answer.iter_lines()):
                if number > 20:
                    return

    if first:
        with pytest.raises(http.RequestError):
            hang_up()
    else:
        hang_up()

    assert wait_for(lambda: ollama.given_up == 1)


def test_who_hangs_up_on_a_whole_answer_stops_the_model(api, ollama):
    ollama.first = 60

    with pytest.raises(http.RequestError):
        api.post("/v1/chat/completions", json=BODY, timeout=0.7)

    assert wait_for(lambda: ollama.given_up == 1)


def test_without_a_model_server_one_can_list_but_not_chat(client):
    assert client.get("/v1/models").is_success
    answer = client.post("/v1/chat/completions", json=BODY)
    assert 404 == answer.status_code
    assert "Add ollama to beast_services" in answer.json()["error"]["hint"]


def test_chats_are_counted(address, api, ollama):
    def figures():
        with http.client(address, headers={"authorization": "Bearer the-metrics-token"}) as one:
            lines = one.get("/metrics").text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if line.startswith("ai_beast_chat_"))
        return {name: float(value) for name, _, value in pairs}

    before = figures()
    ollama.answer = lambda _: ["So [1] [9]."]
    streamed(api)
    ollama.status = 503
    api.post("/v1/chat/completions", json=BODY)
    after = figures()

    def more(name):
        return after[name] - before.get(name, 0)

    assert 1 == more('ai_beast_chat_answers_total{outcome="answered"}')
    assert 1 == more('ai_beast_chat_answers_total{outcome="failed"}')
    assert 8 == more('ai_beast_chat_tokens_total{kind="prompt"}')
    assert 1 == more("ai_beast_chat_citations_removed_total")
    assert 1 == more("ai_beast_chat_first_token_seconds_count")


KEYS = "Rotate the keys of the store once a year."


@pytest.fixture
def repeating(stack, double, tmp_path):
    """Return a client of an API that gives answers again, and has a collection with vectors."""
    settings = json.loads(stack.around.settings.read_text(encoding="utf-8"))
    (tmp_path / "settings.json").write_text(json.dumps({**settings, "chat_similar": 0.9}))
    around = replace(
        stack.around, models_url=double.url, settings=tmp_path / "settings.json", data=tmp_path
    )
    dense = tuple(HashEmbedder().embed_query(KEYS))
    headers = {"authorization": f"Bearer {TOKEN}"}
    with http.client(stack.vectors.url, headers={"api-key": stack.vectors.key}) as store:
        fill(store, "alike", (Passage(KEYS, "/docs/keys.md", dense=dense),), "hash")
        try:
            with (
                serving(build(around)) as found,
                http.client(found, headers=headers, seconds=20) as client,
            ):
                yield client
        finally:
            store.delete("/collections/alike--1")


def test_an_answer_to_a_similar_question_is_marked_and_counted(repeating, ollama):
    asked, again = (
        {
            "model": "beast/alike",
            "messages": [{"role": "user", "content": words}],
            "temperature": 0,
        }
        for words in ("How often do I rotate the keys?", "Please, how often do I rotate the keys")
    )
    first = repeating.post("/v1/chat/completions", json=asked)
    second = repeating.post("/v1/chat/completions", json=again)
    chunks = streamed(repeating, **again)
    with repeating.stream("POST", "/v1/chat/completions", json={**again, "stream": True}) as at:
        mark = at.headers["x-cache"]
        at.read()
    token = {"authorization": "Bearer the-metrics-token"}
    figures = repeating.get("/metrics", headers=token).text

    assert "x-cache" not in first.headers
    assert "similarity" not in first.json()["beast"]
    assert ["SIMILAR", "SIMILAR"] == [second.headers["x-cache"], mark]
    assert 0.9 <= second.json()["beast"]["similarity"] < 1
    assert any("similar question" in note for note in second.json()["beast"]["notes"])
    said = first.json()["choices"][0]["message"]["content"]
    assert said == second.json()["choices"][0]["message"]["content"] == text_of(chunks)
    shown = [each["event"]["data"] for each in chunks[:-1] if "event" in each]
    assert any("similar question" in each.get("description", "") for each in shown)
    assert 1 == len(ollama.asked)
    assert 'ai_beast_chat_answers_total{outcome="similar"} 3.0' in figures
