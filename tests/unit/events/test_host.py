# SPDX-License-Identifier: Apache-2.0
"""What somebody does on the host is told as what the agent does is, and once."""

import pytest

from beast_ops.errors import MissingError
from beast_ops.events.host import TOLD, telling
from beast_ops.events.outbox import Outbox, events_file
from beast_ops.testing import a_service, an_installation


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv(TOLD, raising=False)
    return an_installation(tmp_path / "root", a_service("x"))


def told(place):
    with Outbox(events_file(place.data / "1")) as outbox:
        return [(each.name, dict(each.data)) for each in outbox.after(0)]


def test_it_is_told_when_it_begins_and_what_came_of_it(place):
    with telling(place, "backup") as known:
        assert [("backup.running", {})] == told(place)
        known["backup"] = "b1"

    assert ("backup.done", {"backup": "b1"}) == told(place)[-1]


@pytest.mark.parametrize(
    ("wrong", "state"), [(MissingError("gone"), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_what_does_not_end_well_is_told_and_passed_on(place, wrong, state):
    with pytest.raises(type(wrong)), telling(place, "drill", backup="b1"):
        raise wrong

    about = {"backup": "b1"}
    assert [("drill.running", about), (f"drill.{state}", about)] == told(place)


def test_what_keeper_or_agent_run_they_tell_themselves(place, monkeypatch):
    monkeypatch.setenv(TOLD, "7")
    with telling(place, "verify", backup="b1"):
        pass

    assert [] == told(place)


def test_without_an_installation_nobody_is_there_to_be_told(place):
    place.services.unlink()
    with telling(place, "restore", backup="b1"):
        pass

    assert [] == told(place)
