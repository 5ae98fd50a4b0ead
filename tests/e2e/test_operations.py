# SPDX-License-Identifier: Apache-2.0
"""Backups, drills and restores asked for over HTTP, on a real installation."""

import os
import signal
import time

import pytest

from beast_ops import http
from tests.e2e import backups
from tests.e2e.backups import COLLECTION, State
from tests.e2e.stack import await_true

WAIT_SECONDS = 120.0


@pytest.fixture(scope="module")
def stack(build, clone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    backups.write_documents(folder, "amber", range(5))
    made = build(clone)
    made.deploy()
    State(folder, "amber").ingest(made)
    yield made
    made.clear()


def ask(stack, method, path, body=None):
    """Return the status and the parsed answer of the API; 0 while it is away."""
    token = (stack.root / "secrets/beast-api/token").read_text().strip()
    headers = {"authorization": f"Bearer {token}"}
    try:
        with http.client(stack.api, headers=headers, seconds=30) as client:
            answer = client.request(method, path, json=body)
    except http.RequestError:
        return 0, None
    return answer.status_code, answer.json()


def begun(stack, path, body=None):
    status, operation = ask(stack, "POST", path, body)
    assert 202 == status, operation
    return operation["id"]


def followed(stack, operation):
    """Return how *operation* ended, and whether the API was away meanwhile."""
    deadline, away = time.monotonic() + WAIT_SECONDS, False
    while time.monotonic() < deadline:
        status, found = ask(stack, "GET", f"/operations/{operation}")
        away = away or not status
        if status == 200 and found["state"] != "running":
            return found, away
        time.sleep(0.1)
    raise AssertionError(f"{operation} did not end")


def test_a_backup_is_made_verified_drilled_and_restored_over_http(stack):
    made, _ = followed(stack, begun(stack, "/backups"))
    assert ("done", "") == (made["state"], made["error"]), made
    assert made["receipt"].endswith("-backup")
    _, listed = ask(stack, "GET", "/backups")
    name = listed["backups"][0]["name"]
    assert name in "\n".join(made["output"])

    verified, _ = followed(stack, begun(stack, f"/backups/{name}/verify"))
    drilled, _ = followed(stack, begun(stack, "/drills", {"name": name}))
    assert ["done", "done"] == [verified["state"], drilled["state"]], (verified, drilled)
    assert "drill" == ask(stack, "GET", "/backups")[1]["backups"][0]["proven"]

    release, agent = stack.release, stack.pids()["beast-agent"]
    planned, _ = followed(stack, begun(stack, f"/backups/{name}/restore", {}))
    assert ("plan", "done") == (planned["kind"], planned["state"]), planned
    assert release == stack.release

    restored, away = followed(stack, begun(stack, f"/backups/{name}/restore", {"confirm": name}))
    assert "done" == restored["state"], restored
    assert away, "the API was started anew, and nobody noticed"
    assert release != stack.release
    assert agent == stack.pids()["beast-agent"]
    assert restored["receipt"].endswith("-restore")
    kinds = [each["kind"] for each in ask(stack, "GET", "/operations")[1]["operations"]]
    assert ["restore", "plan", "drill", "verify", "backup"] == kinds
    told = ask(stack, "GET", "/receipts?limit=1&operation=restore")[1]["receipts"]
    assert [restored["receipt"]] == [each["id"] for each in told]
    assert 0 == stack.run("search", "amber", "--collection", COLLECTION).code
    # What happened before lies with the data before; the agent tells of the rest in those of now.
    await_true(lambda: "restore.done" in names(stack))


def names(stack):
    """Return the names of the events that are kept, the newest first."""
    status, found = ask(stack, "GET", "/events?limit=100")
    return [each["name"] for each in found["events"]] if status == 200 else []


def test_what_every_process_does_is_told_in_one_place(stack):
    followed(stack, begun(stack, "/backups"))
    stack.must("ingest", str(stack.clone / "docs" / "decisions"))
    os.kill(stack.pids()["beast-keeper"], signal.SIGKILL)

    wanted = {"backup.running", "backup.done", "job.done", "rag.ingested", "service.started"}
    await_true(lambda: wanted <= set(names(stack)), 60)
    status, found = ask(stack, "GET", "/jobs?kind=ingest&state=done&limit=1")
    assert (200, "ingest") == (status, found["jobs"][0]["kind"])
    listed = stack.must("jobs.list", "--kind", "ingest", "--json").json
    assert found["jobs"][0]["job"] in [each["job"] for each in listed["jobs"]]


def told(stack, name):
    """Return who told of *name*, the newest first."""
    _, found = ask(stack, "GET", f"/events?limit=100&names={name}")
    return [each["source"] for each in found["events"]]


def test_what_is_typed_on_the_host_is_told_too_and_nothing_is_told_twice(stack):
    before = told(stack, "backup.done")
    typed = stack.must("backup", "--json").json["name"]
    assert ["host", *before] == told(stack, "backup.done")
    _, found = ask(stack, "GET", "/events?limit=1&names=backup.done")
    assert {"backup": typed} == found["events"][0]["data"]

    followed(stack, begun(stack, "/backups"))
    await_true(lambda: told(stack, "backup.done")[0] == "beast-agent")
    assert ["beast-agent", "host", *before] == told(stack, "backup.done")


def opens(stack, secret):
    """Return what the API says to a token."""
    with http.client(stack.api, headers={"authorization": f"Bearer {secret}"}) as client:
        return client.get("/services").status_code


def test_what_was_revoked_stays_so_after_a_restore(stack):
    made = {
        name: stack.must("tokens.create", name, "--json").json["token"]
        for name in ("leaver", "stayer")
    }
    backup = stack.must("backup", "--json").json["name"]
    stack.must("tokens.revoke", "leaver")

    stack.must("restore", backup, "--yes")

    assert [401, 200] == [opens(stack, made[name]) for name in ("leaver", "stayer")]


def test_a_second_one_is_refused_and_an_agent_that_is_killed_takes_it_along(stack):
    followed(stack, begun(stack, "/backups"))
    first = begun(stack, "/drills", {})
    status, refused = ask(stack, "POST", "/backups")
    assert 503 == status
    assert "another operation is under way: drill" in refused["error"]["message"]

    before = stack.pids()["beast-agent"]
    os.kill(before, signal.SIGKILL)
    await_true(lambda: stack.pids().get("beast-agent") not in (None, before))
    found, _ = followed(stack, first)

    assert "interrupted" == found["state"]
    assert "the agent ended" in found["error"]
    await_true(lambda: not [each for each in stack.processes().values() if "drill" in each])
    again, _ = followed(stack, begun(stack, "/drills", {}))
    assert "done" == again["state"], again


def test_the_api_is_restarted_over_http_and_the_operation_can_be_followed(stack):
    before = stack.pids()["beast-api"]
    status, answer = ask(stack, "POST", "/services/beast-api/restart")
    assert 202 == status
    found, _ = followed(stack, answer["operation"])

    assert "done" == found["state"], found
    assert before != stack.pids()["beast-api"]
