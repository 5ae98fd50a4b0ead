# SPDX-License-Identifier: Apache-2.0
"""The check of Valkey on the host: what the engine says of its container."""

from types import SimpleNamespace

import pytest

from beast_ops.cards import Health
from beast_ops.compose import engine
from beast_ops.errors import UnavailableError
from beast_ops.health.model import Status
from beast_ops.testing import a_service

SERVICE = a_service("valkey", None, health=Health(deep="queue"), optional=True)


def container(state="running", health="healthy", service="valkey"):
    well = state == "running" and health in {"", "healthy"}
    return SimpleNamespace(service=service, state=state, health=health, well=well)


@pytest.mark.parametrize(
    ("containers", "status", "told"),
    [
        ([container(service="other"), container()], Status.HEALTHY, "answers"),
        ([container(health="starting")], Status.UNKNOWN, "is starting"),
        ([container(health="unhealthy")], Status.DEGRADED, "its container is unhealthy"),
        ([container(state="exited", health="")], Status.DEGRADED, "its container is exited"),
        ([container(health="")], Status.DEGRADED, "its container is running"),
        ([container(service="other")], Status.DEGRADED, "there is no container"),
    ],
)
def test_the_engine_knows(look, monkeypatch, containers, status, told):
    fake = SimpleNamespace(containers=lambda _: containers)
    monkeypatch.setattr(engine, "Engine", lambda _: fake)

    check = look(SERVICE)

    assert status is check.status
    assert told in check.message


def test_an_engine_that_does_not_answer_is_told(look, monkeypatch):
    def refuse(_):
        raise UnavailableError("Docker does not answer", subject="docker")

    monkeypatch.setattr(engine, "Engine", refuse)

    check = look(SERVICE)

    assert Status.UNKNOWN is check.status
    assert "Docker does not answer" in check.message
