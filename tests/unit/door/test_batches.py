# SPDX-License-Identifier: Apache-2.0
"""A file of requests in, a file of answers out."""

import json
from dataclasses import replace

import pytest

from beast_ops.door import batches, near
from beast_ops.door.batches import JOURNAL, Wish, batch
from beast_ops.errors import UsageError
from beast_ops.llm.ollama import OllamaEmbedder
from beast_ops.llm.testing import EMBEDS, WRITES, fake_ollama
from beast_ops.place import Place


@pytest.fixture
def ollama(monkeypatch):
    with fake_ollama() as double:
        monkeypatch.setattr(batches, "server_of", lambda _: double.url)
        yield double


def wish(folder, *rows, model=WRITES, at_once=5, similar=0.0):
    source = folder / "in.jsonl"
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    source.write_text(text, encoding="utf-8")
    return Wish(source, folder / "out.jsonl", model, at_once, always=False, similar=similar)


def answers(wished):
    return [json.loads(line) for line in wished.output.read_text(encoding="utf-8").splitlines()]


def test_answers_stand_in_the_order_of_requests(ollama, tmp_path, capsys):
    ollama.answer = lambda body: [body["messages"][-1]["content"].upper()]
    wished = wish(
        tmp_path,
        {"id": "a", "prompt": "one", "temperature": 0},
        "",
        {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "two"}]},
    )

    assert 0 == batch(Place(tmp_path / "root"), wished, json=True)

    assert [("a", "ONE"), ("3", "TWO")] == [(x["id"], x["response"]) for x in answers(wished)]
    assert 2 == json.loads(capsys.readouterr().out)["sources"]["model"]
    assert not (tmp_path / f"out.jsonl{JOURNAL}").exists()
    assert 0 == batch(Place(tmp_path / "root"), wished, json=False)
    assert ["cache", "model"] == [each["source"] for each in answers(wished)]


def test_what_failed_is_asked_again_by_the_same_command(ollama, tmp_path, capsys):
    wished = wish(tmp_path, {"prompt": "one"}, {"prompt": "two", "model": "absent"})
    place = Place(tmp_path / "root")

    assert 1 == batch(place, wished, json=False)

    assert "1 of 2 answered" in capsys.readouterr().out
    assert "MissingError" == answers(wished)[1]["error"]["kind"]
    ollama.capabilities["absent:latest"] = ["completion"]
    assert 0 == batch(place, wished, json=False)
    assert ["journal", "model"] == [each["source"] for each in answers(wished)]


@pytest.mark.usefixtures("ollama")
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("no json", "this line is no request"),
        ({"prompt": "a", "messages": [{"role": "user", "content": "b"}]}, "either prompt or"),
        ({"prompt": "a", "temperatur": 0}, "temperatur"),
        ("", "no request in this file"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path, row, words):
    with pytest.raises(UsageError, match=words):
        batch(Place(tmp_path), wish(tmp_path, row), json=False)


@pytest.mark.usefixtures("ollama")
def test_a_model_has_to_be_named(tmp_path):
    with pytest.raises(UsageError, match="no model is named"):
        batch(Place(tmp_path), wish(tmp_path, {"prompt": "a"}, model=""), json=False)


@pytest.mark.usefixtures("ollama")
def test_a_number_that_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(UsageError, match="at once"):
        batch(Place(tmp_path), wish(tmp_path, {"prompt": "a"}, at_once=0), json=False)


@pytest.mark.usefixtures("ollama")
@pytest.mark.parametrize("similar", [0.5, 0.89, 1.1, -1])
def test_a_closeness_that_makes_no_sense_is_refused(tmp_path, similar):
    with pytest.raises(UsageError, match=r"from 0\.9 to 1"):
        batch(Place(tmp_path), wish(tmp_path, {"prompt": "a"}, similar=similar), json=False)


FRANCE = {"id": "1", "prompt": "What is the capital of France?", "temperature": 0}
AGAIN = {"id": "2", "prompt": "Please, what is the capital of France", "temperature": 0}
SPAIN = {"id": "3", "prompt": "What is the capital of Spain?", "temperature": 0}


def test_answers_to_similar_requests_are_taken_if_wanted_and_marked(
    ollama, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(near, "embedder", lambda _, url: OllamaEmbedder(url, EMBEDS))
    ollama.answer = lambda body: [body["messages"][-1]["content"].upper()]
    place = Place(tmp_path / "root")

    wished = wish(tmp_path, FRANCE, AGAIN, SPAIN, at_once=1, similar=0.9)
    assert 0 == batch(place, wished, json=False)

    first, second, third = answers(wished)
    assert ["model", "similar", "model"] == [each["source"] for each in (first, second, third)]
    assert first["response"] == second["response"] != third["response"]
    assert 0.9 <= second["similarity"] < 1
    assert not {"similarity"} & {*first, *third}
    assert "1 of them are answers to similar requests, marked: similar." in capsys.readouterr().out


def test_a_journal_brings_no_similar_answers_to_who_wants_none(ollama, tmp_path, monkeypatch):
    monkeypatch.setattr(near, "embedder", lambda _, url: OllamaEmbedder(url, EMBEDS))
    place, missing = Place(tmp_path / "root"), {"id": "4", "prompt": "x", "model": "absent"}
    wished = wish(tmp_path, FRANCE, AGAIN, missing, at_once=1, similar=0.9)

    assert 1 == batch(place, wished, json=False)
    assert ["model", "similar"] == [each["source"] for each in answers(wished)[:2]]
    assert 1 == batch(place, replace(wished, similar=0.0), json=False)

    first, second, _ = answers(wished)
    assert ["journal", "model"] == [first["source"], second["source"]]
    assert "similarity" not in second
    assert AGAIN["prompt"] in [each["messages"][-1]["content"] for each in ollama.asked]


def test_without_the_option_nothing_similar_is_taken(ollama, tmp_path):
    wished = wish(tmp_path, FRANCE, AGAIN, at_once=1)

    batch(Place(tmp_path / "root"), wished, json=False)

    assert ["model", "model"] == [each["source"] for each in answers(wished)]
    assert 2 == len(ollama.asked)
