# SPDX-License-Identifier: Apache-2.0
"""The routes of tasks: who begins one says what is to be done, and nothing of what it may do."""

from dataclasses import replace

import pytest

from beast_ops import http
from beast_ops.api.app import build
from beast_ops.tasks import transcript
from beast_ops.testing import free_port, serving
from tests.unit.api.conftest import TOKEN

REPORT = {
    "task": "a1", "status": "done", "result": "Done.", "apply": False, "files": [],
    "commands": [], "tools": {"read": 1}, "steps": 2, "tokens": 30, "seconds": 1.5,
}  # fmt: skip


@pytest.fixture(params=["http://127.0.0.1:1"])
def client(stack, tmp_path, request):
    around = replace(stack.around, models_url=request.param, data=tmp_path)
    headers = {"authorization": f"Bearer {TOKEN}"}
    with (
        serving(build(around), free_port()) as address,
        http.client(address, headers=headers, seconds=20) as opened,
    ):
        yield opened


def test_a_task_is_a_job(client):
    begun = client.post("/tasks", json={"words": "Sum it up.", "collections": ["docs"]})

    assert 202 == begun.status_code
    found = client.get(f"/tasks/{begun.json()['job']}").json()
    assert ("ready", "Sum it up.", None) == (found["state"], found["words"], found["report"])
    assert "agent" == client.get("/jobs").json()["jobs"][0]["kind"]
    lines = client.get(f"/tasks/{begun.json()['job']}/transcript")
    assert (200, {"total": 0, "lines": []}) == (lines.status_code, lines.json())


@pytest.mark.parametrize(
    "more",
    [
        {"sandbox": "/"},
        {"folders": ["/etc"]},
        {"commands": ["sh *"]},
        {"allowed": {}},
        {"steps": 1000},
        {"words": ""},
        {"words": "x" * 20_001},
        {"collections": ["../x"]},
    ],
)
def test_nothing_in_a_request_adds_to_what_a_task_may_do(client, more):
    assert 422 == client.post("/tasks", json={"words": "Do it.", **more}).status_code
    assert [] == client.get("/jobs").json()["jobs"]


def test_what_a_task_did_is_there_after_its_job_is_forgotten(client, tmp_path):
    with transcript.Transcript(transcript.folder_in(tmp_path) / "a1.jsonl") as written:
        written.add("task", words="Sum it up.", seconds=0.0)
        unfinished = client.get("/tasks/a1").json()["state"]
        written.add("report", report=REPORT, seconds=1.5)

    found = client.get("/tasks/a1").json()
    lines = client.get("/tasks/a1/transcript", params={"offset": 1}).json()

    assert ("unfinished", "done", REPORT) == (unfinished, found["state"], found["report"])
    assert (2, ["report"]) == (lines["total"], [each["kind"] for each in lines["lines"]])


def test_what_is_no_task_is_not_there(client):
    other = client.post("/models/pull", json={"model": "m"}).json()["job"]

    for name in ("b2", other):
        assert 404 == client.get(f"/tasks/{name}").status_code
        assert 404 == client.get(f"/tasks/{name}/transcript").status_code


@pytest.mark.parametrize("client", [None], indirect=True)
def test_without_a_model_server_there_is_none(client):
    assert 503 == client.post("/tasks", json={"words": "Do it."}).status_code
