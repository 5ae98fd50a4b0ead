# SPDX-License-Identifier: Apache-2.0
"""The way of a document in, up to the job that waits for the worker."""

import asyncio
import socket
import threading
import time

import pytest

from beast_ops import closed
from beast_ops.api.routes_ingest import JobModel
from beast_ops.ingest.settings import jobs_file, state_file
from beast_ops.ingest.state import DocumentState, Known
from beast_ops.ingest.tally import Tally
from beast_ops.jobs.model import Priority
from beast_ops.jobs.table import JobTable


def entry(name, size=3, mtime_ns=5):
    return {"source": f"file://host/{name}", "size": size, "mtime_ns": mtime_ns}


def manifest(*names, **more):
    return {"collection": "docs", "documents": [entry(name) for name in names], **more}


@pytest.fixture
def opened(client):
    """A job that wants two documents."""
    answer = client.post("/ingest", json=manifest("a", "b"))
    assert answer.status_code == 202
    return answer.json()


@pytest.fixture
def uploads(stack):
    return stack.around.data / "uploads"


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_manifest_opens_a_job_and_says_what_it_wants(opened, client):
    assert opened["wanted"] == [0, 1]
    expected = {
        "job": opened["job"],
        "state": "held",
        "priority": "high",
        "progress": {},
        "result": None,
        "error": None,
    }
    assert expected == client.get(f"/ingest/{opened['job']}").json()


@pytest.fixture
def _shut(stack, opened):
    assert opened
    closed.close(stack.around.data)
    yield
    (stack.around.data / closed.MARK).unlink()


@pytest.mark.usefixtures("_shut")
def test_while_an_upgrade_proves_itself_nothing_is_taken_and_all_is_shown(opened, client):
    job = opened["job"]
    asked = (
        client.post("/ingest", json=manifest("c")),
        client.put(f"/ingest/{job}/documents/0", content=b"x"),
        client.post(f"/ingest/{job}/start"),
        client.delete(f"/ingest/{job}"),
    )

    for answer in asked:
        assert (503, "unavailable") == code(answer)
        assert "upgrade" in answer.json()["error"]["message"]
        assert answer.headers["retry-after"]
    assert "held" == client.get(f"/ingest/{job}").json()["state"]
    assert client.get("/ingest").is_success


def test_documents_are_streamed_to_their_place_and_the_job_starts(opened, client, uploads):
    job = opened["job"]
    content = b"x" * 2_500_000

    sent = client.put(f"/ingest/{job}/documents/0", content=content)
    skipped = client.post(f"/ingest/{job}/documents/1/skip", json={"reason": "unreadable"})
    started = client.post(f"/ingest/{job}/start")

    assert sent.json() == {"job": job, "index": 0}
    assert skipped.status_code == 200
    assert (started.status_code, started.json()["state"]) == (202, "ready")
    assert (uploads / job / "0").read_bytes() == content
    assert "unreadable" in (uploads / job / "1.skipped").read_text()


def test_an_empty_document_is_a_document(opened, client, uploads):
    assert client.put(f"/ingest/{opened['job']}/documents/0", content=b"").status_code == 200
    assert (uploads / opened["job"] / "0").read_bytes() == b""


def test_what_is_known_unchanged_is_not_wanted(stack, client):
    state = state_file(stack.around.data)
    with DocumentState(state) as known:
        document = Known(source="file://host/known", size=3, mtime_ns=5, sha256="0", job="j")
        known.settle("docs--1", [(document, {})])
    try:
        both = client.post("/ingest", json=manifest("known", "new")).json()
        nothing = client.post("/ingest", json=manifest("known")).json()
        (listed,) = client.get("/collections").json()["collections"]
    finally:
        state.unlink()

    assert both["wanted"] == [1]
    assert nothing["wanted"] == []
    assert client.get(f"/ingest/{nothing['job']}").json()["state"] == "ready"
    assert listed["documents"] == 1


def test_a_document_that_is_too_large_leaves_nothing(opened, client, uploads):
    def content():
        for _ in range(31):
            yield b"x" * 100_000

    refused = client.put(f"/ingest/{opened['job']}/documents/0", content=content())

    assert code(refused) == (413, "too_large")
    assert [path.name for path in (uploads / opened["job"]).iterdir()] == ["manifest.json"]


def test_an_upload_that_breaks_off_leaves_nothing(opened, stack, uploads):
    host, port = stack.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as broken:
        broken.sendall(
            f"PUT /ingest/{opened['job']}/documents/0 HTTP/1.1\r\nHost: localhost\r\n"
            "Authorization: Bearer the-token\r\nContent-Length: 1000\r\n\r\nsome".encode()
        )
        time.sleep(0.1)
    deadline = time.monotonic() + 5
    while len(found := list((uploads / opened["job"]).iterdir())) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)

    assert [path.name for path in found] == ["manifest.json"]


def test_a_job_that_was_started_takes_no_more(opened, client):
    job = opened["job"]
    client.post(f"/ingest/{job}/start")

    assert code(client.put(f"/ingest/{job}/documents/0", content=b"x")) == (409, "conflict")
    assert code(client.post(f"/ingest/{job}/start")) == (409, "conflict")


def test_a_job_may_be_cancelled_once(opened, client, uploads):
    cancelled = client.delete(f"/ingest/{opened['job']}")

    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert not (uploads / opened["job"]).exists()
    assert code(client.delete(f"/ingest/{opened['job']}")) == (409, "conflict")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/start"),
        ("PUT", "/documents/0"),
    ],
)
@pytest.mark.parametrize("job", ["nope", "..%2F..%2Fetc", "%00"])
def test_a_job_that_is_not_there_is_not_found(client, method, path, job):
    assert code(client.request(method, f"/ingest/{job}{path}")) == (404, "not_found")


@pytest.mark.parametrize(("index", "status"), [("2", 404), ("-1", 422), ("x", 422)])
def test_a_document_that_was_not_announced_is_refused(opened, client, index, status):
    answer = client.put(f"/ingest/{opened['job']}/documents/{index}", content=b"x")

    assert status == answer.status_code


def test_jobs_of_another_kind_are_none_of_ours(stack, client):
    with JobTable(jobs_file(stack.around.data)) as jobs:
        other = jobs.add("backup", {})

    assert client.get(f"/ingest/{other}").status_code == 404


def test_a_result_is_written_out_where_it_holds_nobody_up(opened, client, monkeypatch):
    write, where = JobModel.model_dump_json, []

    def noted(self, **how):
        where.append(threading.current_thread().name)
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return write(self, **how)

    monkeypatch.setattr(JobModel, "model_dump_json", noted)

    answer = client.get(f"/ingest/{opened['job']}")
    assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
    assert 1 == len(where)


def test_the_newest_are_listed_first(client):
    first = client.post("/ingest", json=manifest("1")).json()["job"]
    second = client.post("/ingest", json=manifest("2")).json()["job"]

    jobs = client.get("/ingest", params={"limit": 2}).json()["jobs"]

    assert [second, first] == [job["job"] for job in jobs]
    assert client.get("/ingest", params={"limit": 0}).status_code == 422
    page = client.get("/ingest", params={"limit": 1, "offset": 1}).json()
    assert [first] == [job["job"] for job in page["jobs"]]
    assert page["total"] == client.get("/ingest").json()["total"] >= 2
    over = client.get("/ingest", params={"offset": page["total"]}).json()
    assert (page["total"], []) == (over["total"], over["jobs"])


BAD = [
    ({}, "documents"),
    ({"documents": "x"}, "documents"),
    ({"documents": [{}]}, "source"),
    ({"documents": [entry("a", size=-1)]}, "size"),
    ({"documents": [entry("a", size="3")]}, "size"),
    ({"documents": [{**entry("a"), "source": "ftp://host/a"}]}, "source"),
    ({"documents": [{**entry("a"), "more": 1}]}, "more"),
    ({"documents": [], "collection": "../x"}, "collection"),
    ({"documents": [], "folders": ["/plain"]}, "folders"),
    ({"documents": [entry("a"), entry("b"), entry("a", size=4)]}, "a document is named twice"),
    ({"folder": ""}, "folder"),
    ({"folder": "notes", "documents": []}, "documents"),
]


@pytest.mark.parametrize(("body", "named"), BAD, ids=range(len(BAD)))
def test_a_bad_manifest_is_refused_and_the_fault_named(client, body, named):
    refused = client.post("/ingest", json=body)

    assert code(refused) == (422, "invalid")
    assert named in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("raw", "status"), [(b"", 400), (b"{", 400), (b"\xff", 400), (b"[]", 422), (b"3", 422)]
)
def test_a_body_that_is_no_manifest_at_all_is_refused(client, raw, status):
    headers = {"content-type": "application/json"}

    assert status == client.post("/ingest", content=raw, headers=headers).status_code


def test_a_declared_folder_starts_a_job_at_once(client):
    opened = client.post("/ingest", json={"collection": "docs", "folder": "notes"})

    assert opened.status_code == 202
    assert opened.json()["wanted"] == []
    assert client.get(f"/ingest/{opened.json()['job']}").json()["state"] == "ready"


@pytest.mark.parametrize("prune_empty", [True, False])
def test_a_declared_folder_that_is_empty_is_pruned_when_asked_for(stack, client, prune_empty):
    body = {"folder": "notes", "prune_empty": prune_empty}
    job = client.post("/ingest", json=body).json()["job"]

    with JobTable(jobs_file(stack.around.data)) as jobs:
        assert prune_empty is jobs.get(job).payload["prune_empty"]


@pytest.mark.parametrize("body", [{"folder": "notes"}, {"documents": [entry("a")]}])
@pytest.mark.parametrize("priority", [*Priority, None])
def test_a_job_is_as_urgent_as_is_said(client, body, priority):
    said = {} if priority is None else {"priority": priority}
    opened = client.post("/ingest", json={**body, **said}).json()["job"]

    usual = "normal" if "folder" in body else "high"
    assert (priority or usual) == client.get(f"/ingest/{opened}").json()["priority"]


def test_a_priority_that_is_none_is_refused(client):
    for body in ({"folder": "notes"}, {"documents": []}):
        assert (422, "invalid") == code(client.post("/ingest", json={**body, "priority": "urgent"}))


def test_a_job_tells_how_far_each_stage_is_as_its_worker_says(stack, client):
    job = client.post("/ingest", json={"folder": "notes"}).json()["job"]
    assert {} == client.get(f"/ingest/{job}").json()["progress"]
    said = Tally("docs", 3).progress()
    with JobTable(jobs_file(stack.around.data)) as jobs:
        while (claimed := jobs.claim("w")).id != job:
            jobs.stop(claimed)  # of other tests
        jobs.progress(claimed, said)

    assert said == client.get(f"/ingest/{job}").json()["progress"]
    assert said == client.get("/ingest").json()["jobs"][0]["progress"]
    assert said == client.get("/jobs").json()["jobs"][0]["progress"]


@pytest.mark.parametrize(
    ("folder", "status"),
    [("nope", 404), ("gone", 404), ("/etc", 404), ("../x", 404), ("home", 422), ("inside", 422)],
)
def test_no_other_folder_is_read(client, folder, status):
    assert status == client.post("/ingest", json={"folder": folder}).status_code
