# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

from beast_ops.agent import chores
from beast_ops.errors import BusyError, NotDeployedError
from beast_ops.lease import lease
from beast_ops.place import Place


class Days:
    """A stop sign that comes after some pauses, and remembers how long they were."""

    def __init__(self, pauses):
        self.left, self.pauses = pauses, []

    def wait(self, seconds):
        self.pauses.append(seconds)
        self.left -= 1
        return self.left < 0


def test_the_chore_is_done_once_a_day(place):
    days, done = Days(3), []
    chores.keep(place, days, lambda where: done.append(where) or ())

    assert [place] * 3 == done
    assert [chores.FIRST_SECONDS, *[chores.DAY_SECONDS] * 3] == days.pauses


def test_what_fails_is_tried_again_soon(place):
    days = Days(2)

    def fail(_):
        raise BusyError("somebody else is at it")

    chores.keep(place, days, fail)

    assert [chores.FIRST_SECONDS, *[chores.AGAIN_SECONDS] * 2] == days.pauses


def test_a_mistake_does_not_end_the_agent(place):
    days = Days(2)

    def stumble(_):
        raise ZeroDivisionError

    chores.keep(place, days, stumble)

    assert 3 == len(days.pauses)


def test_it_ends_when_the_agent_does(place):
    stopping = threading.Event()
    stopping.set()
    chores.keep(place, stopping, lambda _: pytest.fail("too late"))


def test_nothing_is_renewed_where_nothing_wants_a_certificate(place):
    assert () == chores.renew(place)


def test_nothing_is_renewed_while_somebody_else_holds_the_installation(place, monkeypatch):
    monkeypatch.setattr(chores, "WAIT_SECONDS", 0)

    with lease(place.run, "deploy"), pytest.raises(BusyError):
        chores.renew(place)


def test_nothing_is_renewed_where_nothing_is_deployed(tmp_path):
    with pytest.raises(NotDeployedError):
        chores.renew(Place(tmp_path))
