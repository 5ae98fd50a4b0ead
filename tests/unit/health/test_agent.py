# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

from beast_ops.agent.server import Agent
from beast_ops.cards import Health
from beast_ops.health import report
from beast_ops.health.model import Status
from beast_ops.testing import a_service, an_installation


@pytest.fixture
def place(tmp_path):
    service = a_service("beast-agent", place="host", health=Health(deep="agent", seconds=2))
    return an_installation(tmp_path / "root", service)


def look(place):
    (check,) = report.gate(place).checks
    return check


def test_an_agent_that_answers_is_well(place):
    agent = Agent(place)
    agent.listen()
    threading.Thread(target=agent.serve, daemon=True).start()
    check = look(place)
    agent.close()

    assert (Status.HEALTHY, "answers") == (check.status, check.message)


def test_no_agent_is_not(place):
    check = look(place)

    assert Status.UNHEALTHY is check.status
    assert "the agent of this host does not answer" in check.message
