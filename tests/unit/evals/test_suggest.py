# SPDX-License-Identifier: Apache-2.0
"""Drafts about passages of a real store, by a model server that says what the test wants."""

import json

import pytest

from beast_ops import http
from beast_ops.cards import Health
from beast_ops.door.evaluations import draft as show
from beast_ops.errors import MissingError, UnavailableError, UsageError
from beast_ops.evals.questions import read
from beast_ops.evals.suggest import CHARACTERS, suggest
from beast_ops.testing import (
    Canned,
    Passage,
    a_service,
    an_installation,
    fake_service,
    fill,
    secrets,
)
from beast_ops.vectors.testing import running

LONG = "The lighthouse keeper trims the lamp each evening before dusk. " * 40
PASSAGES = (
    Passage(f"Alpha. {LONG}", "/docs/a.md"),
    Passage(f"Again. {LONG}", "/docs/a.md"),
    Passage(f"Beta. {LONG}", "/docs/b.md"),
    Passage("Too short to ask about.", "/docs/c.md"),
)
TAGS = {"models": [{"name": "embed:1"}, {"name": "chat:1"}]}


def about(asked):
    name = json.loads(asked.body)["model"]
    return Canned({"capabilities": ["embedding"] if name == "embed:1" else ["completion"]})


def saying(text):
    return Canned({"message": {"role": "assistant", "content": text}})


def drafting(question="Who trims the lamp each evening?", phrase="lighthouse KEEPER\ntrims"):
    return saying(json.dumps({"question": question, "phrase": phrase}))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with running(tmp_path_factory.mktemp("vectors")) as server:
        with http.client(server.url, headers={"api-key": server.key}) as client:
            fill(client, "docs", PASSAGES)
        yield server


@pytest.fixture
def stack(tmp_path, store):
    """Return a maker of an installation whose model server answers as told."""
    opened = []

    def make(chat, tags=TAGS, show=about):
        answers = {"/api/tags": Canned(tags), "/api/show": show, "/api/chat": chat}
        fake = fake_service(answers)
        opened.append(fake)
        server = fake.__enter__()
        place = an_installation(
            tmp_path / "root",
            a_service(
                "store", store.url, health=Health(deep="vectors"), secrets=secrets("api_key")
            ),
            a_service("llm", server.address, health=Health(deep="models")),
            secrets={"store/api_key": store.key},
        )
        return server, place

    yield make
    for each in opened:
        each.__exit__(None, None, None)


def test_each_document_gets_one_question_with_a_phrase_it_says(stack):
    server, place = stack(drafting())

    found = list(suggest(place, "docs", 2))

    assert {each.sources for each in found} == {("/docs/a.md",), ("/docs/b.md",)}
    assert {each.phrases for each in found} == {("lighthouse KEEPER trims",)}
    bodies = [json.loads(each.body) for each in server.asked if each.path == "/api/chat"]
    assert {each["model"] for each in bodies} == {"chat:1"}
    assert all("lamp" in each["messages"][0]["content"] for each in bodies)
    assert all(len(each["messages"][0]["content"]) < CHARACTERS + 600 for each in bodies)


def test_no_more_than_asked_for(stack):
    _, place = stack(drafting())

    assert len(list(suggest(place, "docs", 1, "chat:1"))) == 1


def test_a_phrase_that_the_passage_does_not_say_is_left_out(stack):
    _, place = stack(drafting(phrase="invented words"))

    assert all(each.phrases == () for each in suggest(place, "docs", 2))


@pytest.mark.parametrize(
    "chat", [saying("no JSON"), saying('{"question": ""}'), drafting("Why?"), Canned({"x": 1})]
)
def test_what_makes_no_sense_is_no_draft(stack, chat):
    _, place = stack(chat)

    assert list(suggest(place, "docs", 2)) == []


def test_what_is_printed_can_be_read_whatever_the_model_said(stack, capsys):
    _, place = stack(drafting('Who: trims "it"\x1b[31m\u2028 # at - {dusk}?', "the\u202e lamp"))

    show(place, "docs", 2, "", json=False)

    text = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(text)
    assert 'phrases: "the lamp"' in text
    assert "evals/docs.yaml" in text
    assert "# at - {dusk}?" in read(f"{text}".replace("Who", "How", 1), "x").questions[0].question

    show(place, "docs", 1, "", json=True)
    assert json.loads(capsys.readouterr().out)["questions"][0]["phrases"] == ["the lamp"]


def test_what_is_missing_is_named(stack, tmp_path, store):
    _, place = stack(drafting(), tags={"models": [{"name": "embed:1"}]})
    with pytest.raises(MissingError, match="no model that can write"):
        list(suggest(place, "docs", 1))
    with pytest.raises(MissingError, match="no such collection"):
        list(suggest(place, "none", 1))
    with pytest.raises(UsageError, match="from 1 to 200"):
        list(suggest(place, "docs", 201))
    alone = a_service("store", store.url, health=Health(deep="vectors"))
    with pytest.raises(MissingError, match="no model server"):
        list(suggest(an_installation(tmp_path / "alone", alone), "docs", 1))


@pytest.mark.parametrize(("status", "kind"), [(503, UnavailableError), (404, MissingError)])
def test_a_model_server_that_refuses_is_told(stack, status, kind):
    _, place = stack(Canned({"error": "no"}, status=status))

    with pytest.raises(kind):
        list(suggest(place, "docs", 1, "other:1"))
