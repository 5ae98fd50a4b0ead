# SPDX-License-Identifier: Apache-2.0
"""The client for OpenAI's API against a real server of llama.cpp, with a model the test makes."""

import asyncio
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest

from beast_ops import http
from beast_ops.errors import ServiceError, UsageError
from beast_ops.llm.openai_server import OpenAIServer
from beast_ops.llm.pool import Member, Pool
from beast_ops.llm.talk import Chat, Ending, Message, Piece, Prompt, Sampling, whole
from beast_ops.llm.wire import Terms
from beast_ops.resilience import Guards
from beast_ops.tasks.conduct import Around, conduct
from beast_ops.tasks.hands import Outside
from beast_ops.tasks.model import Allowed, Status, Task
from beast_ops.tasks.speak import Server
from beast_ops.testing import free_port
from tests import tiny_gguf

pytestmark = pytest.mark.needs("llama-server")

START_SECONDS = 60.0
KEY = "sesame"
LIKELIEST = Sampling(temperature=0)


@contextmanager
def running(folder, *options):
    """Run a server; yield the address of its API, with the token for it, and the process."""
    model, key, port = tiny_gguf.write(folder / "tiny.gguf"), folder / "key", free_port()
    key.write_text(KEY)
    key.chmod(0o600)
    argv = [shutil.which("llama-server"), "--model", model, "--host", "127.0.0.1"]
    argv += ["--port", str(port), "--alias", "tiny", "--api-key-file", key, *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        _await(process, port, folder / "log")
        yield http.Guarded(f"http://127.0.0.1:{port}", key), process
    finally:
        process.kill()
        process.wait()


def _await(process, port, log):
    end = time.monotonic() + START_SECONDS
    with http.client(f"http://127.0.0.1:{port}", seconds=5) as client:
        while time.monotonic() < end and process.poll() is None:
            try:
                if client.get("/health").is_success:
                    return
            except http.RequestError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"llama-server does not answer: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with running(tmp_path_factory.mktemp("llama")) as (address, _):
        yield address


def run(url, act):
    async def main():
        async with http.async_client(url, seconds=60) as client:
            return await act(OpenAIServer(client, Terms(guards=Guards())))

    return asyncio.run(main())


def hello(**more):
    return Chat("tiny", (Message("user", "Hello"),), sampling=Sampling(temperature=0, **more))


def test_its_models_are_told(url):
    assert ["tiny"] == run(url, lambda server: server.models())


def test_it_chats_and_says_why_it_ended(url):
    reply = run(url, lambda server: whole(server.chat(hello())))

    assert (tiny_gguf.TEXT, "stop") == (reply.text, reply.ending.reason)
    assert len(tiny_gguf.SAYS) + 1 == reply.ending.answer_tokens
    assert reply.ending.prompt_tokens > 0


def test_an_answer_comes_in_pieces(url):
    async def act(server):
        return [each async for each in server.chat(hello(longest=2))]

    *pieces, ending = run(url, act)

    assert [" moon", " sun"] == [each.text for each in pieces if each.text]
    assert all(isinstance(each, Piece) for each in pieces)
    assert Ending("length", ending.prompt_tokens, 2) == ending


def test_it_goes_on_with_a_text(url):
    prompt = Prompt("tiny", "Once upon a", LIKELIEST)

    assert tiny_gguf.TEXT == run(url, lambda server: whole(server.complete(prompt))).text


def test_an_answer_follows_a_schema(url):
    form = {"type": "object", "properties": {"yes": {"const": 1}}, "required": ["yes"]}
    form["additionalProperties"] = False
    asked = Chat("tiny", (Message("user", "?"),), sampling=Sampling(temperature=0), form=form)
    reply = run(url, lambda server: whole(server.chat(asked)))

    assert '{"yes":1}' == "".join(reply.text.split())


def test_what_does_not_fit_is_a_mistake_of_who_asks(url):
    words = "word " * tiny_gguf.CONTEXT

    with pytest.raises(UsageError, match="context"):
        run(url, lambda server: whole(server.complete(Prompt("tiny", words, LIKELIEST))))


def test_a_wrong_token_is_refused_and_not_told(url, tmp_path):
    key = tmp_path / "key"
    key.write_text("wrong-one")
    key.chmod(0o600)
    strange = http.Guarded(str(url), key)

    with pytest.raises(ServiceError, match="API Key") as failed:
        run(strange, lambda server: whole(server.chat(hello())))

    assert "wrong-one" not in failed.value.paragraph()


def test_who_hangs_up_leaves_a_server_that_serves(url):
    async def act(server):
        for _ in range(3):
            pieces = server.chat(hello())
            await anext(pieces)
            await pieces.aclose()
        return await whole(server.chat(hello()))

    assert tiny_gguf.TEXT == run(url, act).text


def test_it_makes_vectors(tmp_path):
    with running(tmp_path, "--embeddings", "--pooling", "mean") as (url, _):
        same, other, again = run(
            url, lambda server: server.embed("tiny", ["moon", "sun cat", "moon"])
        )

    assert same == pytest.approx(again, abs=1e-3)
    assert other != pytest.approx(same, abs=1e-3)
    assert tiny_gguf.WIDTH == len(same)


def test_a_server_that_is_killed_is_passed_over_afterwards(url, tmp_path):
    async def main(doomed, kill):
        async with (
            http.async_client(doomed, seconds=60) as first,
            http.async_client(url, seconds=60) as second,
        ):
            clients = {"doomed": first, "other": second}
            pool = Pool(
                Member(name, OpenAIServer(client, Terms(guards=Guards())), rank=name == "other")
                for name, client in clients.items()
            )
            before = (await whole(pool.chat(hello()))).text
            kill()
            after = (await whole(pool.chat(hello()))).text
            return before, after, {each.name: each.well for each in pool.sights()}

    with running(tmp_path) as (doomed, process):
        found = asyncio.run(main(doomed, process.kill))

    assert (tiny_gguf.TEXT, tiny_gguf.TEXT, {"doomed": False, "other": True}) == found


def test_a_task_goes_through_it(tmp_path, monkeypatch):
    """The model asks for no tool, whatever it is told; the server takes all that we send."""
    monkeypatch.setattr(tiny_gguf, "CONTEXT", 16_384)  # each byte of what is sent is a token
    (tmp_path / "notes").mkdir()
    bounds = Allowed({"notes": tmp_path / "notes"}, collections=("docs",))
    with running(tmp_path, "--jinja", "--ctx-size", "16384") as (address, _):
        around = Around(Server(address, openai=True), tmp_path / "tasks", Outside(lambda *_: []))
        report = conduct(Task("Look.", "", bounds), around)

    assert (Status.DONE, tiny_gguf.TEXT.strip(), 1) == (report.status, report.result, report.steps)
    assert report.tokens > 1000


def test_what_came_of_calls_goes_back_through_it(tmp_path, monkeypatch):
    """The model writes the same call again and again; the server takes the results of them."""
    says = ('▁{"name":"list",', '"arguments":', '{"path":"."', "}}")
    monkeypatch.setattr(tiny_gguf, "CONTEXT", 16_384)
    monkeypatch.setattr(tiny_gguf, "SAYS", says)
    monkeypatch.setattr(tiny_gguf, "TOKENS", (*tiny_gguf.MARKS, *tiny_gguf.BYTES, *says))
    (tmp_path / "notes").mkdir()
    bounds = Allowed({"notes": tmp_path / "notes"})
    with running(tmp_path, "--jinja", "--ctx-size", "16384") as (address, _):
        around = Around(Server(address, openai=True), tmp_path / "tasks", Outside(lambda *_: []))
        report = conduct(Task("Look.", "", bounds), around)

    assert (Status.STUCK, {"list": 2}) == (report.status, report.tools)
