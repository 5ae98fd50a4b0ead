# SPDX-License-Identifier: Apache-2.0
"""A task as its user sees it, with the double of Ollama."""

import json
from dataclasses import replace

import pytest

from beast_ops.door import tasks
from beast_ops.door.tasks import Asked, carry_out, listed, shown
from beast_ops.errors import (
    MissingError,
    NotDeployedError,
    ServiceError,
    UnavailableError,
    UsageError,
)
from beast_ops.events.outbox import Outbox, events_file
from beast_ops.llm.testing import fake_ollama
from beast_ops.place import Place
from beast_ops.search import client
from beast_ops.tasks.allow import Wish
from beast_ops.tasks.model import Limits
from tests.unit.tasks.stage import ABLE, SAID, asks


@pytest.fixture
def ollama(monkeypatch):
    with fake_ollama() as double:
        double.capabilities[ABLE] = ["completion", "tools"]
        answers = iter(SAID)
        double.answer = lambda _: next(answers)
        monkeypatch.setattr(tasks, "server_of", lambda _: double.url)
        yield double


@pytest.fixture
def place(tmp_path, monkeypatch):
    found = Place(tmp_path / "root")
    for each in (found.services.parent, found.data / "1" / "jobs"):
        each.mkdir(parents=True)
    found.services.write_text("{}")
    data = type("Services", (), {"data": str(found.data / "1")})
    for room in ("beast_ops.door.tasks", "beast_ops.events.host"):
        monkeypatch.setattr(f"{room}.read_services", lambda _: data)
    return found


@pytest.fixture
def asked(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "notes" / "a.md").write_text("Rotate the keys once a year.\n")

    def make(words="Sum it up.", limits=None, **said):
        wish = Wish((str(tmp_path / "notes"),), str(tmp_path / "out"), **said)
        return Asked(words, "", wish, limits or Limits())

    return make


@pytest.mark.usefixtures("ollama")
def test_a_dry_run_shows_what_would_be_done(place, asked, tmp_path, capsys):
    assert 0 == carry_out(place, asked(), json=False)

    out = capsys.readouterr().out
    assert out.startswith("Task ")
    for line in (
        ", a dry run\n",
        "Plan:\n  1. Look. 2. Write.\n",
        "- read notes/a.md\n",
        "- write sandbox/sum.md\n  --- (nothing)\n  +++ sandbox/sum.md\n",
        "\nIt is done.\n",
        "would be written: sandbox/sum.md\n",
        "done: 4 steps, ",
        "This was a dry run. To do it, add: --apply\n",
    ):
        assert line in out
    assert [] == list((tmp_path / "out").iterdir())


@pytest.mark.usefixtures("ollama")
def test_it_is_told_to_everybody_and_can_be_shown_later(place, asked, tmp_path, capsys):
    assert 0 == carry_out(place, asked(apply=True), json=True)
    report = json.loads(capsys.readouterr().out)

    assert (["sandbox/sum.md"], True) == (report["files"], report["apply"])
    assert "Once a year." == (tmp_path / "out" / "sum.md").read_text()
    with Outbox(events_file(place.data / "1")) as outbox:
        names = [each.name for each in outbox.page("agent.", 9, 0)[1]]
    assert ["agent.task.completed", "agent.task.started"] == names

    listed(place, 9, json=False)
    row = capsys.readouterr().out
    assert row.startswith(report["task"])
    assert row.endswith("  done       Sum it up.\n")
    listed(place, 9, json=True)
    [found] = json.loads(capsys.readouterr().out)["tasks"]
    assert (report["task"], "done", ABLE, True) == tuple(
        found[name] for name in ("task", "status", "model", "apply")
    )
    shown(place, report["task"], json=False)
    out = capsys.readouterr().out
    assert f"Sum it up.\nby {ABLE}\n" in out
    assert "written: sandbox/sum.md" in out
    shown(place, report["task"], json=True)
    assert "task" == json.loads(capsys.readouterr().out)["lines"][0]["kind"]


def test_what_is_not_done_ends_with_another_code_and_text_steers_no_terminal(
    place, ollama, asked, capsys
):
    said = [["\x1b[2J plan"], [{**asks("read", {"path": "\x1b]0;x/a"}), "content": "\x1b[31m"}]]
    answers = iter([*said, [asks("read", {"path": "notes/gone"})]])
    ollama.answer = lambda _: next(answers)

    assert 1 == carry_out(place, asked(limits=Limits(steps=2)), json=False)

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "- read notes/gone: Not done: No such file or directory." in out
    assert "limit: 2 steps" in out
    assert "dry run. To do it" not in out


def test_what_failed_is_kept_too(place, ollama, asked, capsys):
    ollama.status = 500

    with pytest.raises(ServiceError):
        carry_out(place, asked(), json=False)
    capsys.readouterr()
    listed(place, 9, json=False)

    assert "  failed     Sum it up. (dry run)" in capsys.readouterr().out


def test_collections_are_searched_through_the_api(place, ollama, asked, monkeypatch):
    looked = []

    def search(where, query, options):
        looked.append((where, query, options.collection))
        return {"hits": [{"path": "keys.md", "text": "once a year"}]}

    monkeypatch.setattr(client, "search", search)
    answers = iter([["Plan."], [asks("search", {"query": "keys"})], ["Done."]])
    ollama.answer = lambda _: next(answers)

    assert 0 == carry_out(place, asked(collections=("docs",)), json=True)
    assert [(place, "keys", "docs")] == looked
    assert "[keys.md]\nonce a year" in ollama.asked[-1]["messages"][-1]["content"]


def test_another_server_may_be_asked(place, asked):
    with pytest.raises(UnavailableError):
        carry_out(place, replace(asked(), openai="http://127.0.0.1:1"), json=True)


@pytest.mark.usefixtures("ollama")
@pytest.mark.parametrize(
    "said",
    [
        {"words": " "},
        {"words": "x" * 20_001},
        {"limits": Limits(steps=0)},
        {"limits": Limits(tokens=-1)},
        {"limits": Limits(seconds=0)},
        {"limits": Limits(context=100)},
    ],
)
def test_what_makes_no_sense_is_refused(place, asked, said):
    with pytest.raises(UsageError):
        carry_out(place, asked(**said), json=False)


def test_without_an_installation_there_is_no_task(tmp_path, asked):
    with pytest.raises(NotDeployedError):
        carry_out(Place(tmp_path / "gone"), asked(), json=False)


def test_without_tasks_there_is_nothing_to_show(place, capsys):
    listed(place, 9, json=False)

    assert "There was no task yet.\n" == capsys.readouterr().out
    with pytest.raises(MissingError):
        shown(place, "gone", json=False)


def test_an_empty_transcript_is_one_that_was_not_finished(place, capsys):
    (place.data / "1" / "jobs" / "tasks").mkdir()
    (place.data / "1" / "jobs" / "tasks" / "a1.jsonl").touch()

    listed(place, 9, json=False)

    assert "a1" in (out := capsys.readouterr().out)
    assert "unfinished" in out
