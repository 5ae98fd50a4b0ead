# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

import pytest

from beast_ops.cards import Health
from beast_ops.clock import SYSTEM
from beast_ops.health import report
from beast_ops.health.model import Status
from beast_ops.testing import a_service, an_installation
from beast_ops.watcher import state


@pytest.fixture
def place(tmp_path):
    service = a_service("beast-watcher", place="host", optional=True, health=Health(deep="watcher"))
    return an_installation(tmp_path / "root", service)


def look(place, troubles=None, **ago):
    if ago:
        seen = SYSTEM.now() - timedelta(**ago)
        state.write(place.run, state.State(seen=seen, folders=1, troubles=troubles or {}))
    found = report.gate(place)
    assert found.passable
    (check,) = found.checks
    return check


def test_a_watcher_that_looked_lately_is_well(place):
    check = look(place, seconds=20)

    assert (Status.HEALTHY, "follows 1 folder") == (check.status, check.message)


@pytest.mark.parametrize("ago", [{"minutes": 4}, {"days": -1}])
def test_one_that_is_silent_is_a_nuisance(place, ago):
    check = look(place, **ago)

    assert (Status.DEGRADED, True) == (check.status, "no folder is followed" in check.message)


def test_one_that_never_reported_does_not_stop_a_deploy(place):
    check = look(place)

    assert (Status.DEGRADED, True) == (check.status, "not reported yet" in check.message)


def test_a_folder_that_cannot_be_brought_in_is_named(place):
    check = look(place, {"/docs": "the job failed"}, seconds=1)

    assert (Status.DEGRADED, "/docs: the job failed") == (check.status, check.message)
