# SPDX-License-Identifier: Apache-2.0
import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops import receipts
from beast_ops.agent.server import Agent
from beast_ops.card_parts import State
from beast_ops.cards import Health, read_services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.health import report
from beast_ops.health.backups import judge
from beast_ops.health.model import Status
from beast_ops.health.standpoint import Standpoint
from beast_ops.testing import a_service, an_installation

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
KEEPS = a_service("store", state=(State(volume="kept", how="files", set="kept"),))
AGENT = a_service("beast-agent", place="host", health=Health(deep="agent", seconds=2))


@pytest.mark.parametrize(
    ("age", "status", "said"),
    [
        (timedelta(0), Status.HEALTHY, "made 0 h ago"),
        (-5 * HOUR, Status.HEALTHY, "made 0 h ago"),  # a clock that was ahead
        (26 * HOUR, Status.HEALTHY, "made 26 h ago"),
        (26 * HOUR + MINUTE, Status.DEGRADED, "made 26 h ago. Make one: ./beast backup"),
        (900 * HOUR, Status.DEGRADED, "made 900 h ago"),
    ],
)
def test_a_backup_is_judged_by_its_age(age, status, said):
    found = judge(NOW - age, NOW - 9000 * HOUR, NOW)

    assert status is found.status
    assert said in found.message
    assert max(age, timedelta()).total_seconds() == found.details["age_seconds"]


@pytest.mark.parametrize(
    ("born", "status"),
    [
        (None, Status.HEALTHY),
        (NOW - 26 * HOUR, Status.HEALTHY),
        (NOW - 27 * HOUR, Status.DEGRADED),
    ],
)
def test_what_is_young_needs_no_backup_yet(born, status):
    assert status is judge(None, born, NOW).status


def looked_at(place, *, inside=False):
    """Return the check of the backups by name, or nothing where there is none."""
    services = read_services(place.services)
    here = Standpoint(place.root, place.data, place.secrets, inside=inside)
    found = asyncio.run(report.survey(services, lambda _: None, machine=True, standpoint=here))
    return next((check for check in found.checks if check.name == "backup"), None)


def backed_up(place, ago):
    clock = Clock(lambda: SYSTEM.now() - ago, SYSTEM.monotonic)
    with receipts.recording(place.receipts, "backup", clock):
        pass


def test_the_host_sees_it(tmp_path):
    place = an_installation(tmp_path / "root", KEEPS)
    assert "none yet" in looked_at(place).message
    backed_up(place, 30 * HOUR)
    assert Status.DEGRADED is looked_at(place).status
    backed_up(place, 3 * HOUR)

    assert (Status.HEALTHY, "the newest was made 3 h ago") == (
        looked_at(place).status,
        looked_at(place).message,
    )


def test_a_container_is_told_of_it_by_the_agent(tmp_path):
    place = an_installation(tmp_path / "root", KEEPS, AGENT)
    assert Status.DEGRADED is looked_at(place, inside=True).status
    backed_up(place, 3 * HOUR)
    agent = Agent(place)
    agent.listen()
    threading.Thread(target=agent.serve, daemon=True).start()
    found = looked_at(place, inside=True)
    agent.close()

    assert "the newest was made 3 h ago" == found.message


def test_where_nothing_is_kept_or_nobody_could_tell_nothing_is_looked_at(tmp_path):
    assert looked_at(an_installation(tmp_path / "a", a_service("s"))) is None
    assert looked_at(an_installation(tmp_path / "b", KEEPS), inside=True) is None
