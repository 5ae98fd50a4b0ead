# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

import pytest

from beast_ops.cards import Health
from beast_ops.clock import SYSTEM
from beast_ops.health import report
from beast_ops.health.model import Status
from beast_ops.health.services import probes
from beast_ops.health.standpoint import Standpoint
from beast_ops.keeper import state
from beast_ops.testing import a_service, an_installation


@pytest.fixture
def place(tmp_path):
    service = a_service("beast-keeper", place="host", optional=True, health=Health(deep="keeper"))
    return an_installation(tmp_path / "root", service)


def look(place, **ago):
    if ago:
        state.write(place.run, state.State(SYSTEM.now() - timedelta(**ago), "drill"))
    found = report.gate(place)
    assert found.passable
    (check,) = found.checks
    return check


def test_a_keeper_that_looked_lately_is_well(place):
    check = look(place, seconds=50)

    assert Status.HEALTHY is check.status
    assert "at work on a drill" in check.message


@pytest.mark.parametrize("ago", [{"minutes": 6}, {"days": 9}, {"days": -1}])
def test_one_that_is_silent_is_a_nuisance(place, ago):
    check = look(place, **ago)

    assert Status.DEGRADED is check.status
    assert "no backups are made" in check.message


def test_one_that_never_reported_does_not_stop_a_deploy(place):
    check = look(place)

    assert Status.DEGRADED is check.status
    assert "not reported yet" in check.message


def test_from_inside_a_container_it_cannot_be_seen(place):
    from beast_ops.cards import read_services

    services = read_services(place.services)
    inside = Standpoint(place.root, place.data, place.secrets, inside=True)

    assert () == probes(services, lambda _: None, None, inside)
