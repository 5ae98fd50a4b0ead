# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops.cards import Health
from beast_ops.clock import SYSTEM, Clock
from beast_ops.health import report
from beast_ops.health.deep import FRESH_SECONDS
from beast_ops.health.model import Status
from beast_ops.ingest.settings import jobs_file
from beast_ops.jobs.table import JobTable
from beast_ops.testing import a_service, an_installation


@pytest.fixture
def place(tmp_path):
    return an_installation(tmp_path, a_service("beast-worker", health=Health(deep="worker")))


def heard(place, **ago):
    """Let workers report so many seconds ago, by name."""
    for name, seconds in ago.items():
        then = datetime.now(UTC) - timedelta(seconds=seconds)
        clock = Clock(now=lambda then=then: then)
        with JobTable(jobs_file(place.data / "1"), clock) as table:
            table.report(name)


def look(place):
    (check,) = report.gate(place).checks
    return check


def test_a_worker_that_reported_just_now_is_healthy(place):
    heard(place, a=1)

    check = look(place)

    assert (Status.HEALTHY, "at work, heard 1 s ago") == (check.status, check.message)
    assert check.details["workers"] == 1


def test_one_living_worker_among_dead_ones_is_enough(place):
    heard(place, old=5000, a=2)

    assert Status.HEALTHY is look(place).status


def test_a_worker_that_fell_silent_is_unhealthy(place):
    heard(place, a=FRESH_SECONDS + 5)

    check = look(place)

    assert (Status.UNHEALTHY, "silent for 35 s") == (check.status, check.message)


def test_no_worker_ever_is_unhealthy(place):
    assert look(place).message == "no worker reports itself"
    heard(place)
    JobTable(jobs_file(place.data / "1"), SYSTEM).close()
    assert look(place).message == "no worker reports itself"


def test_a_table_nobody_can_read_is_unknown(place):
    table = jobs_file(place.data / "1")
    table.parent.mkdir()
    table.write_bytes(b"not a database, for sure" * 100)

    assert Status.UNKNOWN is look(place).status
