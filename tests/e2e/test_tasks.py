# SPDX-License-Identifier: Apache-2.0
"""Tasks as their user types them, and through the API, in an installation that runs."""

import json
import os
import signal
import time

import pytest

from beast_ops import http
from beast_ops.llm.testing import fake_ollama
from tests.e2e import knowledge

ABLE = "qwen3:4b"


def asks(name, **arguments):
    return {"content": "", "tool_calls": [{"function": {"name": name, "arguments": arguments}}]}


@pytest.fixture(scope="module")
def ollama():
    with fake_ollama() as double:
        double.capabilities[ABLE] = ["completion", "tools"]
        yield double


@pytest.fixture
def says(ollama):
    """Let the model say one thing after the other."""

    def say(*replies):
        answers = iter(replies)
        ollama.answer = lambda _: next(answers)
        ollama.asked.clear()

    yield say
    ollama.first = ollama.gap = 0.0


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    for name in ("notes", "out"):
        (folder / name).mkdir()
    (folder / "notes" / "keys.md").write_text(
        "# Keys\n\nRotate the keys of the store once a year.\n"
    )
    return folder


@pytest.fixture(scope="module")
def installed(build, clone, ollama, papers):
    stack = build(clone)
    bounds = {"folders": [str(papers / "notes")], "sandbox": str(papers / "out"),
              "commands": ["wc -l *"]}  # fmt: skip
    stack.deploy(ollama_url=ollama.url, beast_worker_tasks=json.dumps(bounds))
    knowledge.told(knowledge.ingest(stack, papers / "notes", collection="docs"))
    yield stack
    stack.clear()


PLAN = ["1. Read. 2. Write. 3. Count."]
LOOK = [asks("read", path="notes/keys.md"), asks("search", query="how often", collection="docs")]
WRITE = [asks("write", path="sandbox/summary.md", text="Once a year.\n")]
COUNT = [asks("run", argv=["wc", "-l", "summary.md"])]
DONE = ["The summary ", "is written."]
WORDS = "Write sandbox/summary.md about the notes."


def words(papers, *more):
    """Return what a user types."""
    bounds = ["--folder", str(papers / "notes"), "--sandbox", str(papers / "out")]
    return ["task", WORDS, *bounds, "--allow", "wc -l *", "--collection", "docs", *more]


def test_a_dry_run_then_the_real_one(installed, papers, says, ollama):
    says(PLAN, LOOK, WRITE, COUNT, DONE)
    dry = installed.must(*words(papers)).out

    assert "Plan:\n  1. Read." in dry
    assert "- write sandbox/summary.md\n  --- (nothing)" in dry
    assert "would be run: wc -l summary.md" in dry
    assert "To do it, add: --apply" in dry
    assert [] == list((papers / "out").iterdir())
    told = [each["content"] for each in ollama.asked[-1]["messages"] if each["role"] == "tool"]
    assert "Rotate the keys of the store once a year." in told[0]
    assert "Rotate the keys" in told[1]

    says(PLAN, LOOK, WRITE, COUNT, DONE)
    report = json.loads(installed.must(*words(papers, "--apply", "--json")).out)

    assert ("done", "The summary is written.") == (report["status"], report["result"])
    assert {"read": 1, "search": 1, "write": 1, "run": 1} == report["tools"]
    assert "Once a year.\n" == (papers / "out" / "summary.md").read_text()
    told = [each["content"] for each in ollama.asked[-1]["messages"] if each["role"] == "tool"]
    assert "It ended with 0.\n1 summary.md" in told[3]
    listed = json.loads(installed.must("tasks.list", "--json").out)["tasks"]
    assert [True, False] == [each["apply"] for each in listed[:2]]
    assert "written: sandbox/summary.md" in installed.must("tasks.show", report["task"]).out


def test_ctrl_c_leaves_a_transcript_and_says_where(installed, papers, says, ollama):
    says(PLAN, LOOK, *[[asks("list", path=f"notes/{number}")] for number in range(9)])
    ollama.first = 2.0
    process = installed.start(*words(papers))
    deadline = time.monotonic() + 60
    while len(ollama.asked) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    done = installed.finish(process)

    assert 130 == done.code
    assert "./beast tasks.list" in done.err
    name = done.out.split()[1].rstrip(",")
    lines = json.loads(installed.must("tasks.show", name, "--json").out)["lines"]
    assert "cancelled" == lines[-1]["report"]["status"]
    assert {"read": 1, "search": 1} == lines[-1]["report"]["tools"]


def test_what_cannot_be_is_one_paragraph(installed, papers, tmp_path):
    for more, code in (
        (("--folder", str(installed.root)), 64),
        (("--sandbox", str(tmp_path / "gone")), 64),
        (("--allow", "no-such-program"), 64),
        (("--model", "llama3.2"), 64),
        (("--openai", "http://127.0.0.1:1"), 75),
    ):
        done = installed.run(*words(papers, *more))

        assert code == done.code, done
        assert "Traceback" not in done.err


def test_a_task_through_the_api_has_the_bounds_of_the_host(installed, papers, says):
    (papers / "out" / "summary.md").unlink(missing_ok=True)
    escape = [asks("write", path="notes/keys.md", text="x"), asks("run", argv=["sh", "-c", "id"])]
    says(PLAN, LOOK, escape, WRITE, COUNT, DONE)
    token = (installed.root / "secrets" / "beast-api" / "token").read_text().strip()
    with http.client(installed.api, headers={"authorization": f"Bearer {token}"}) as api:
        wider = api.post("/tasks", json={"words": "Do it.", "sandbox": "/"})
        body = {"words": "Do it.", "apply": True, "collections": ["docs"]}
        begun = api.post("/tasks", json=body).json()["job"]
        deadline = time.monotonic() + 60
        while (found := api.get(f"/tasks/{begun}").json())["report"] is None:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        names = [each["name"] for each in api.get("/events?names=agent.").json()["events"]]
        lines = api.get(f"/tasks/{begun}/transcript").json()["lines"]
        figures = _figures(installed)

    assert 422 == wider.status_code
    assert ("done", ["sandbox/summary.md"]) == (found["report"]["status"], found["report"]["files"])
    assert {"read": 1, "search": 1, "write": 1, "run": 1} == found["report"]["tools"]
    assert (papers / "notes" / "keys.md").read_text().startswith("# Keys")
    assert "Once a year.\n" == (papers / "out" / "summary.md").read_text()
    assert {"agent.task.started", "agent.task.completed"} <= {*names}
    assert "report" == lines[-1]["kind"]
    assert 'ai_beast_agent_tasks_total{status="done"}' in figures
    assert "ai_beast_agent_task_duration_seconds_count" in figures


def _figures(stack):
    token = (stack.root / "secrets" / "beast-api" / "metrics_token").read_text().strip()
    with http.client(stack.api, headers={"authorization": f"Bearer {token}"}) as api:
        deadline = time.monotonic() + 20
        while "ai_beast_agent_tasks_total{" not in (text := api.get("/metrics").text):
            assert time.monotonic() < deadline, text
            time.sleep(0.2)
        return text


def test_a_killed_worker_goes_on_with_its_task(installed, papers, says, ollama):
    (papers / "out" / "summary.md").unlink(missing_ok=True)
    says(PLAN, WRITE, COUNT, DONE)
    token = (installed.root / "secrets" / "beast-api" / "token").read_text().strip()
    with http.client(installed.api, headers={"authorization": f"Bearer {token}"}) as api:
        begun = api.post("/tasks", json={"words": "Do it.", "apply": True}).json()["job"]
        ollama.first = 1.5
        deadline = time.monotonic() + 60
        while not (papers / "out" / "summary.md").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        inode = (papers / "out" / "summary.md").stat().st_ino
        time.sleep(0.3)
        os.kill(installed.pids()["beast-worker"], signal.SIGKILL)
        asked = len(ollama.asked)
        says(*[PLAN, WRITE, COUNT, DONE][asked - 1 :])
        deadline = time.monotonic() + 90
        while (found := api.get(f"/tasks/{begun}").json())["report"] is None:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        kinds = [each["kind"] for each in api.get(f"/tasks/{begun}/transcript").json()["lines"]]

    assert ("done", {"write": 1, "run": 1}) == (
        found["report"]["status"],
        found["report"]["tools"],
    )
    assert "resumed" in kinds
    assert inode == (papers / "out" / "summary.md").stat().st_ino  # written once
