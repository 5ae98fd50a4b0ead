# SPDX-License-Identifier: Apache-2.0
"""The job that carries a task out, run by a real worker on a real table."""

import json

import pytest
from pydantic import ValidationError

from beast_ops.errors import LeaseLostError, MissingError, UnavailableError, UsageError
from beast_ops.ingest.settings import Surroundings, WorkerSettings
from beast_ops.jobs import kinds
from beast_ops.jobs.grip import CancelledError, StoppingError
from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.told import telling
from beast_ops.jobs.worker import Bounded, Worker
from beast_ops.llm.testing import fake_ollama
from beast_ops.tasks import job as working
from beast_ops.tasks import transcript
from beast_ops.tasks.job import KIND, Wish, Working, ending
from beast_ops.tasks.model import Status
from tests.unit.tasks.stage import ABLE, SAID, asks


@pytest.fixture
def table(stage):
    (stage.base / "root" / "data" / "1" / "jobs").mkdir(parents=True)
    with JobTable(stage.base / "root" / "data" / "1" / "jobs" / "jobs.sqlite") as opened:
        yield opened


def around(stage, url, **more):
    tasks = {"folders": [str(stage.base / "notes")], "sandbox": str(stage.base / "out"), **more}
    return Surroundings(
        data=stage.base / "root" / "data" / "1",
        settings=WorkerSettings.model_validate_json(json.dumps({"tasks": tasks})),
        vectors_url="http://127.0.0.1:1",
        vectors_key="k",
        models_url=url,
    )


def add(table, **said):
    return table.add(KIND, {"wish": Wish(words="Sum it up.", **said).model_dump_json()})


def run(table, place, handler=None):
    """Run the next job, and return the events it became."""
    told = []
    tell = telling(lambda name, **data: told.append((name, data)))
    Worker(table, {KIND: Bounded(handler or Working(place), 60, 3, tell=tell)}, "w").run_one()
    return told


def test_a_task_is_done_within_the_bounds_of_the_host(stage, ollama, table):
    name = add(table, apply=True)

    told = run(table, around(stage, ollama.url))

    job = table.get(name)
    assert (State.DONE, "done") == (job.state, job.result["status"])
    assert "It is done." not in json.dumps(job.result)
    assert b"Once a year." == stage.files()["out/sum.md"]
    assert "reply" == job.progress["phase"]
    assert ["job.started", "agent.task.started", "job.done", "agent.task.completed"] == [
        each for each, _ in told
    ]
    assert (name, "done", 1) == tuple(told[-1][1][each] for each in ("task", "status", "files"))
    lines = transcript.read(stage.base / "root/data/1/jobs/tasks" / f"{name}.jsonl")
    assert ("task", name) == (lines[0]["kind"], lines[0]["task"])
    assert "It is done." == lines[-1]["report"]["result"]


def test_it_is_a_dry_run_unless_the_request_says_otherwise(stage, ollama, table):
    name = add(table)
    before = {path for path in stage.files() if path.startswith(("out", "notes"))}

    run(table, around(stage, ollama.url))

    assert 1 == table.get(name).result["files"]
    assert before == {path for path in stage.files() if path.startswith(("out", "notes"))}


def test_those_who_may_see_jobs_see_no_words_that_a_model_chose(stage, table, monkeypatch):
    written = asks("write", {"path": "sandbox/from-a-note.md", "text": "x"})
    ran, odd = asks("run", {"argv": ["echo", "from a note"]}), asks("a note says", {})
    answers = iter([["1. Do it."], [written], [ran], [odd], ["It is done."]])
    said = []
    really = table.progress
    monkeypatch.setattr(table, "progress", lambda job, told: said.append(told) or really(job, told))
    with fake_ollama() as ollama:
        ollama.capabilities[ABLE] = ["completion", "tools"]
        ollama.answer = lambda _: next(answers)
        name = add(table)

        told = run(table, around(stage, ollama.url, commands=["echo *"]))

    job = table.get(name)
    assert (1, 1) == (job.result["files"], job.result["commands"])
    assert "note" not in json.dumps([job.result, *said])
    assert ["write", "run"] == [each["tool"] for each in said if each["tool"]]
    assert (1, 1) == (told[-1][1]["files"], told[-1][1]["commands"])


def test_a_host_that_allows_nothing_lets_nothing_be_done(stage, ollama, table):
    name = add(table, apply=True)

    run(table, around(stage, ollama.url, folders=[], sandbox=""))

    assert {} == table.get(name).result["tools"]
    assert "there is no such tool" in ollama.asked[-1]["messages"][-1]["content"]
    assert "out/sum.md" not in stage.files()


def test_one_that_was_interrupted_goes_on_and_does_nothing_twice(stage, ollama, table, monkeypatch):
    name, place = add(table, apply=True), around(stage, ollama.url)
    seen = []

    def say(_, kind, __):
        seen.append(kind)
        if seen.count("observation") == 2:
            raise StoppingError  # the worker is told to end

    with monkeypatch.context() as patched:
        patched.setattr(working, "_say", say)
        run(table, place)
    inode = (stage.base / "out" / "sum.md").stat().st_ino
    assert State.READY is table.get(name).state

    run(table, place)

    assert {"read": 1, "write": 1, "list": 1} == table.get(name).result["tools"]
    assert inode == (stage.base / "out" / "sum.md").stat().st_ino
    assert 5 == len(ollama.asked)


@pytest.mark.parametrize(("apply", "state"), [(True, State.FAILED), (False, State.DONE)])
def test_one_whose_transcript_is_gone_does_nothing_twice(
    stage, ollama, table, monkeypatch, apply, state
):
    name, place = add(table, apply=apply), around(stage, ollama.url)
    really, seen = working._say, []

    def say(grip, kind, line):
        really(grip, kind, line)
        seen.append(kind)
        if seen.count("observation") == 2:
            raise StoppingError

    with monkeypatch.context() as patched:
        patched.setattr(working, "_say", say)
        run(table, place)
    (stage.base / "root/data/1/jobs/tasks" / f"{name}.jsonl").unlink()  # a backup has none
    answers = iter([SAID[0], ["It is done."]])
    ollama.answer = lambda _: next(answers)
    asked = len(ollama.asked)

    run(table, place)

    job = table.get(name)
    assert state is job.state
    assert ("transcript is gone" in (job.error or "")) is apply
    assert (asked == len(ollama.asked)) is apply


def test_one_that_failed_for_a_reason_that_may_pass_is_tried_again(stage, table):
    name = add(table)

    told = run(table, around(stage, "http://127.0.0.1:1"))

    assert State.READY is table.get(name).state
    assert 1 == table.get(name).failures
    assert ["job.started", "agent.task.started"] == [each for each, _ in told]


def test_without_a_model_server_it_waits_for_one(stage, table):
    name = add(table)

    run(table, around(stage, None))

    assert (State.READY, 1) == (table.get(name).state, table.get(name).failures)


def test_settings_that_make_no_sense_end_it(stage, ollama, table):
    name = add(table)

    told = run(table, around(stage, ollama.url, sandbox=str(stage.base / "root")))

    assert State.FAILED is table.get(name).state
    assert "no task may have this folder" in table.get(name).error
    assert ("agent.task.failed", "failed") == (told[-1][0], told[-1][1]["status"])


@pytest.mark.parametrize(
    "said",
    [
        {"folders": ["notes"]},
        {"sandbox": "out"},
        {"steps": 0},
        {"steps": 1000},
        {"seconds": 7200},
        {"context": 100},
        {"apply": True},
    ],
)
def test_bounds_that_make_no_sense_are_refused_by_the_deploy(said):
    with pytest.raises(ValidationError):
        WorkerSettings.model_validate_json(json.dumps({"tasks": said}))


def test_a_cancelled_one_says_so(stage, ollama, table):
    name = add(table)

    def answer(_):
        table.cancel(name)
        return [asks("list", {"path": "notes"})]

    ollama.answer = answer

    def handler(grip):
        check = grip.check

        def looking():
            grip.renew()
            check()

        grip.check = looking
        return Working(around(stage, ollama.url))(grip)

    told = run(table, around(stage, ollama.url), handler)

    assert State.CANCELLED is table.get(name).state
    assert ("agent.task.failed", "cancelled") == (told[-1][0], told[-1][1]["status"])
    lines = transcript.read(stage.base / "root/data/1/jobs/tasks" / f"{name}.jsonl")
    assert "cancelled" == lines[-1]["report"]["status"]


def test_a_search_that_fails_is_told_to_the_model(stage, ollama, table):
    answers = iter([["Plan."], [asks("search", {"query": "keys"})], ["Done."]])
    ollama.answer = lambda _: next(answers)
    name = add(table, collections=("docs",))

    run(table, around(stage, ollama.url))

    assert State.DONE is table.get(name).state
    assert "Not done: " in ollama.asked[-1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("stopped", "status"),
    [
        (CancelledError(), Status.CANCELLED),
        (StoppingError(), None),
        (UsageError("no"), Status.FAILED),
        (MissingError("no"), Status.FAILED),
        (UnavailableError("away"), None),
        (LeaseLostError("gone"), None),
        (OSError(28, "full"), None),
        (KeyboardInterrupt(), None),
    ],
)
def test_only_what_will_not_pass_ends_a_task(stopped, status):
    assert status is ending(stopped)


def test_there_is_a_kind_of_jobs_for_it():
    kind = next(each for each in kinds.KINDS if each.name == KIND)

    assert (3600.0, 3) == (kind.seconds, kind.attempts)
