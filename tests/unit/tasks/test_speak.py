# SPDX-License-Identifier: Apache-2.0
"""Whole tasks with servers that speak HTTP, of both kinds."""

import json
import threading
import time
from dataclasses import replace

import pytest

from beast_ops.errors import ConflictError, MissingError, ServiceError, UnavailableError
from beast_ops.llm.testing import WRITES
from beast_ops.tasks import speak
from beast_ops.tasks.conduct import Around, conduct, interrupted
from beast_ops.tasks.hands import Outside
from beast_ops.tasks.model import Limits, Status
from beast_ops.tasks.speak import Server, open_speaker
from beast_ops.testing import Canned, fake_service
from tests.unit.tasks.stage import ABLE, NAME


def named(stage, model, limits=None):
    return replace(stage.task(limits, apply=True), model=model)


def around(stage, url, told=None, **more):
    def publish(name, **data):
        if told is not None:
            told.append((name, data))

    usual = {"outside": Outside(lambda *_: []), "publish": publish}
    server = more.pop("server", Server(url))
    return Around(server=server, folder=stage.transcript.parent, **{**usual, **more})


def test_a_task_with_ollama(stage, ollama):
    told = []

    report = conduct(named(stage, ABLE), around(stage, ollama.url, told))

    assert (Status.DONE, "It is done.") == (report.status, report.result)
    assert b"Once a year." == stage.files()["out/sum.md"]
    assert {"read": 1, "write": 1, "list": 1} == report.tools
    plan, *others = ollama.asked
    assert "tools" not in plan
    assert ["list", "read", "write"] == [each["function"]["name"] for each in others[0]["tools"]]
    assert (8192, 0, 2048) == tuple(
        plan["options"][name] for name in ("num_ctx", "temperature", "num_predict")
    )
    tool = others[1]["messages"][-1]
    assert ("tool", "read") == (tool["role"], tool["tool_name"])
    assert "Rotate the keys" in tool["content"]
    assert ["agent.task.started", "agent.task.completed"] == [name for name, _ in told]
    assert (NAME, ABLE) == (told[0][1]["task"], told[0][1]["model"])


def test_the_newest_model_that_knows_tools_is_taken(stage, ollama):
    report = conduct(named(stage, ""), around(stage, ollama.url))

    assert Status.DONE is report.status
    assert {ABLE} == {each["model"] for each in ollama.asked}
    asked = len(ollama.asked)
    ollama.capabilities.pop(ABLE)
    assert report == conduct(named(stage, ""), around(stage, "http://127.0.0.1:1"))  # it is over
    assert asked == len(ollama.asked)


def test_a_model_without_tools_is_refused_before_anything_is_asked(stage, ollama):
    with pytest.raises(ConflictError, match="this model cannot use tools") as refused:
        conduct(named(stage, WRITES), around(stage, ollama.url))

    assert "--model" in refused.value.hint
    assert [] == ollama.asked
    ollama.capabilities = {WRITES: ["completion"]}
    with pytest.raises(MissingError, match="no model that can use tools"):
        conduct(named(stage, ""), around(stage, ollama.url))
    with pytest.raises(MissingError):
        conduct(named(stage, "gone"), around(stage, ollama.url))
    assert not stage.transcript.exists()


def test_a_server_that_only_says_so_when_asked_is_understood(stage, ollama, monkeypatch):
    async def chosen(_, model):
        return model

    monkeypatch.setattr(speak, "_chosen", chosen)  # as with servers before 0.9
    told = []

    with pytest.raises(ConflictError, match="this model cannot use tools"):
        conduct(named(stage, WRITES), around(stage, ollama.url, told))

    assert ["agent.task.started", "agent.task.failed"] == [name for name, _ in told]
    assert "failed" == told[1][1]["status"]
    assert "failed" == stage.lines()[-1]["report"]["status"]


def test_other_refusals_are_told_as_they_are(stage, ollama):
    ollama.capabilities[ABLE] = ["tools"]

    with pytest.raises(ConflictError, match="does not support chat"):
        conduct(named(stage, ABLE), around(stage, ollama.url))


def test_a_model_that_is_slow_is_given_up(stage, ollama):
    ollama.first = 60.0

    report = conduct(named(stage, ABLE, Limits(seconds=0.5)), around(stage, ollama.url))

    assert (Status.LIMIT, "its time is used up") == (report.status, report.result)
    for _ in range(100):
        if ollama.given_up:
            break
        time.sleep(0.05)
    assert 1 == ollama.given_up


def test_whoever_waits_no_more_hangs_up(stage, ollama):
    ollama.first = 60.0
    begun = time.monotonic()

    def check():
        if ollama.asked:
            raise KeyboardInterrupt

    told, outside = [], Outside(lambda *_: [], check=check)
    with pytest.raises(KeyboardInterrupt):
        conduct(
            named(stage, ABLE),
            around(stage, ollama.url, told, outside=outside, ending=interrupted),
        )

    assert time.monotonic() - begun < 30
    assert "cancelled" == stage.lines()[-1]["report"]["status"] == told[-1][1]["status"]


def test_a_reply_that_does_not_end_is_cut(ollama, monkeypatch):
    monkeypatch.setattr(speak, "LONGEST_CHARACTERS", 1000)
    ollama.answer = lambda _: ["x" * 100] * 1000

    with open_speaker(Server(ollama.url), ABLE, Limits(), lambda: None) as speaker:
        found = speaker.ask([], (), 30)

    assert ("length", 1100) == (found.ending.reason, len(found.text))


@pytest.mark.parametrize(
    ("how", "kind"), [("line", ServiceError), ("half", UnavailableError), ("noise", ServiceError)]
)
def test_failures_of_the_server_are_raised(stage, ollama, how, kind):
    ollama.broken, ollama.how = 1, how

    with pytest.raises(kind):
        conduct(named(stage, ABLE), around(stage, ollama.url))


def event(**choice):
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def openai(said):
    """Return the answer of a server that speaks OpenAI's API."""
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
    last = b"data: " + json.dumps(usage).encode() + b"\n\ndata: [DONE]\n\n"
    if isinstance(said, str):
        return Canned(event(delta={"content": said}, finish_reason="stop") + last)
    name, arguments = said
    call = {"index": 0, "id": "c7", "function": {"name": name, "arguments": arguments}}
    return Canned(
        event(delta={"tool_calls": [call]}) + event(delta={}, finish_reason="tool_calls") + last
    )


def test_a_task_with_a_server_that_speaks_openai(stage):
    said = iter(["A plan.", ("read", '{"path": "notes/a.md"}'), ("read", '{"path": '), "Done."])
    answers = {
        "/v1/models": Canned({"data": [{"id": "tiny"}]}),
        "/v1/chat/completions": lambda _: openai(next(said)),
    }
    with fake_service(answers) as fake:
        server = Server(fake.address, openai=True)
        report = conduct(named(stage, ""), around(stage, "", server=server))
        bodies = [json.loads(each.body) for each in fake.asked if each.body]

    assert (Status.DONE, 48, {"read": 1}) == (report.status, report.tokens, report.tools)
    assert "tiny" == bodies[0]["model"]
    assert "num_ctx" not in bodies[0]
    tool = bodies[2]["messages"][-1]
    assert ("tool", "c7") == (tool["role"], tool["tool_call_id"])
    assert "its arguments are no JSON object" in bodies[3]["messages"][-1]["content"]


def test_a_server_without_any_model_says_so(stage):
    with (
        fake_service({"/v1/models": Canned({"data": []})}) as fake,
        pytest.raises(MissingError, match="has no model"),
    ):
        conduct(named(stage, ""), around(stage, "", server=Server(fake.address, openai=True)))


def test_what_is_too_deep_to_be_read_is_no_mistake_of_ours(stage):
    deep = '{"message": {"content": ' + "[" * 200_000 + "}}\n"
    routes = {
        "/api/show": Canned({"capabilities": ["completion", "tools"]}),
        "/api/chat": Canned(deep.encode()),
    }
    with fake_service(routes) as fake, pytest.raises(ServiceError, match="no answer that can be"):
        conduct(named(stage, ABLE), around(stage, fake.address))


def test_asking_works_in_any_thread(stage, ollama):
    found = []
    thread = threading.Thread(
        target=lambda: found.append(conduct(named(stage, ABLE), around(stage, ollama.url)))
    )
    thread.start()
    thread.join()

    assert Status.DONE is found[0].status


@pytest.mark.parametrize(
    ("stopped", "status"),
    [
        (UnavailableError("away"), Status.FAILED),
        (OSError(28, "full"), Status.FAILED),
        (TypeError("a mistake"), Status.FAILED),
        (KeyboardInterrupt(), Status.CANCELLED),
        (SystemExit(), Status.CANCELLED),
    ],
)
def test_only_somebody_cancels_a_task(stopped, status):
    assert status is interrupted(stopped)
