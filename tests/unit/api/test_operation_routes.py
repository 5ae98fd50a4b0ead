# SPDX-License-Identifier: Apache-2.0
"""The routes that begin operations on the host, with a real agent whose deeds are made up."""

import pytest

from beast_ops.errors import BusyError, MissingError, UsageError

NAME = "beast_backup_20260501_030000"
RUNNING = {
    "id": "one",
    "kind": "backup",
    "name": "",
    "state": "running",
    "started": "2026-05-01T03:00:00+00:00",
    "finished": None,
    "error": "",
    "receipt": None,
}
RECEIPT = {
    "id": "20260501T030004.000001Z-backup",
    "operation": "backup",
    "outcome": "done",
    "release": "1-a",
    "previous": None,
    "started": "2026-05-01T03:00:00+00:00",
    "finished": "2026-05-01T03:00:04+00:00",
    "seconds": 4.0,
    "changed": [],
    "message": "",
    "who": "somebody@somewhere",
    "versions": {},
    "details": {"name": NAME},
}
BACKUP = {
    "name": NAME,
    "made": "2026-05-01T03:00:00+00:00",
    "bytes": 5,
    "proven": None,
    "encrypted": False,
}
BEGINS = [
    ("/backups", None, {"verb": "backup"}),
    (f"/backups/{NAME}/verify", None, {"verb": "verify", "name": NAME}),
    ("/backups/newest/verify", None, {"verb": "verify", "name": "newest"}),
    ("/drills", {}, {"verb": "drill", "name": "newest"}),
    ("/drills", {"name": NAME}, {"verb": "drill", "name": NAME}),
    (f"/backups/{NAME}/restore", {}, {"verb": "restore", "name": NAME}),
    (
        f"/backups/{NAME}/restore",
        {"confirm": NAME, "service": "store"},
        {"verb": "restore", "name": NAME, "confirm": NAME, "service": "store"},
    ),
]
LOOKS = [
    ("/backups?limit=3&offset=2", {"total": 9, "backups": [BACKUP]}, ("backups", None, 3, 2)),
    ("/operations", {"total": 1, "operations": [RUNNING]}, ("operations", None, 20, 0)),
    ("/operations/one", {**RUNNING, "output": ["a"]}, ("operation", "one", 100, 0)),
    ("/receipts", {"total": 1, "receipts": [RECEIPT]}, ("receipts", None, 20, 0)),
    ("/receipts?operation=backup&limit=1", {"total": 0, "receipts": []},
     ("receipts", "backup", 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "asked"), BEGINS)
def test_an_operation_is_begun_and_its_id_comes_at_once(client, agent, path, body, asked):
    agent.answer = RUNNING
    answer = client.post(path, **({} if body is None else {"json": body}))

    assert (202, RUNNING) == (answer.status_code, answer.json())
    said = [each.model_dump(exclude_defaults=True) for each in agent.requests]
    assert [asked] == said


@pytest.mark.parametrize(("path", "answer", "asked"), LOOKS)
def test_what_the_agent_tells_is_handed_on(client, agent, path, answer, asked):
    agent.answer = answer

    assert answer == client.get(path).json()
    assert [asked] == [(each.verb, each.name, each.lines, each.offset) for each in agent.requests]


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (BusyError("another operation is under way: backup"), 503),
        (MissingError("there is no such backup"), 404),
        (UsageError("was not confirmed"), 422),
    ],
)
def test_what_the_agent_refuses_is_refused(client, agent, failure, status):
    agent.answer = failure
    refused = client.post(f"/backups/{NAME}/restore", json={})

    assert status == refused.status_code
    assert str(failure) in refused.json()["error"]["message"]
    assert ("retry-after" in refused.headers) == (status == 503)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/backups/..%2fx/verify", None),
        ("post", "/backups/--yes/verify", None),
        ("post", "/backups/passwd/restore", {}),
        ("post", f"/backups/{NAME}/restore", {"force": True}),
        ("post", f"/backups/{NAME}/restore", {"service": "../x"}),
        ("post", "/drills", {"name": "../x"}),
        ("get", "/operations/..%2fx", None),
        ("get", "/operations/A", None),
        ("get", "/backups?limit=0", None),
        ("get", "/backups?limit=101", None),
        ("get", "/receipts?operation=-x", None),
        ("get", "/receipts?offset=-1", None),
    ],
)
def test_what_makes_no_sense_never_reaches_the_agent(client, agent, method, path, body):
    answer = client.request(method, path, json=body)

    assert answer.status_code in {404, 422}
    assert [] == agent.requests


def test_the_restart_of_the_api_itself_is_an_operation(client, agent):
    agent.answer = {"restarted": "beast-api", "operation": "one"}
    answer = client.post("/services/beast-api/restart")

    assert (202, agent.answer) == (answer.status_code, answer.json())


@pytest.mark.parametrize("path", [path for path, *_ in BEGINS])
def test_without_the_token_nothing_is_begun(anyone, agent, path):
    assert 401 == anyone.post(path, json={}).status_code
    assert [] == agent.requests
