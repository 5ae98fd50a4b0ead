# SPDX-License-Identifier: Apache-2.0
"""The routes that ask the agent, with a real agent whose deeds are made up."""

from dataclasses import asdict

import pytest

from beast_ops.errors import BusyError, CommandError, MissingError
from beast_ops.runtime.control import ProcessState

STATE = ProcessState("store", "running", uptime_seconds=3.0)


def test_services_and_how_they_are(client, agent):
    agent.answer = [asdict(STATE)]

    assert {"services": [asdict(STATE)]} == client.get("/services").json()


def test_what_a_service_wrote(client, agent):
    agent.answer = ["one", "two"]

    assert {"lines": ["one", "two"]} == client.get("/services/store/logs?lines=2").json()
    assert [("logs", "store", 2)] == [(r.verb, r.service, r.lines) for r in agent.requests]


def test_a_service_is_restarted(client, agent):
    agent.answer = {"restarted": "store"}

    assert {"restarted": "store", "operation": None} == client.post(
        "/services/store/restart"
    ).json()
    assert [("restart", "store")] == [(r.verb, r.service) for r in agent.requests]


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (MissingError("there is no such service", subject="x"), 404),
        (BusyError("another operation is under way"), 503),
        (CommandError("it did not come up"), 500),
    ],
    ids=["no such service", "busy", "failed"],
)
def test_what_the_agent_refuses_is_refused(client, agent, failure, status):
    agent.answer = failure
    refused = client.post("/services/store/restart")

    assert status == refused.status_code


@pytest.mark.parametrize(
    "path", ["/services/..%2fx/logs", "/services/A/logs", "/services/a/logs?lines=0"]
)
def test_names_and_numbers_that_are_none_never_reach_the_agent(client, agent, path):
    assert client.get(path).status_code in {404, 422}
    assert [] == agent.requests


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/services"), ("get", "/services/store/logs"), ("post", "/services/store/restart")],
)
def test_without_the_token_nothing_is_asked(anyone, agent, method, path):
    assert 401 == getattr(anyone, method)(path).status_code
    assert [] == agent.requests


def test_without_an_agent_it_says_what_to_do(client):
    refused = client.get("/services")

    assert 503 == refused.status_code
    assert "beast_agent" in refused.json()["error"]["hint"]
