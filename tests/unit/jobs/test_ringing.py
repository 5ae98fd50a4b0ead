# SPDX-License-Identifier: Apache-2.0
"""What rings: all that can run from now on, and what could run and does not."""

import pytest

from beast_ops.jobs.kinds import KINDS, QUICK, lane_of, lanes
from beast_ops.jobs.model import State
from beast_ops.jobs.ringing import RingingTable, ringing, silence
from beast_ops.jobs.table import LEASE_SECONDS
from tests.unit.jobs.test_table import Hands


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def rung():
    return []


@pytest.fixture
def table(tmp_path, clock, rung):
    with RingingTable(tmp_path / "jobs.sqlite", rung.append, clock.clock()) as opened:
        yield opened


def test_what_can_run_rings_once(table, rung):
    table.add("a", {})
    held = table.add("b", {}, held=True)
    assert ["a"] == rung

    table.release(held)
    assert ["a", "b"] == rung


def test_what_is_tried_again_by_hand_rings(table, rung):
    job = table.add("a", {})
    table.cancel(job)
    table.retry(job)

    assert ["a", "a"] == rung


def test_what_a_silent_worker_held_is_rung_for(table, rung, clock):
    table.add("a", {})
    table.claim("one")
    held = table.add("b", {}, held=True)
    rung.clear()

    table.reconcile()
    assert [] == rung

    clock.move(LEASE_SECONDS + 1)
    table.reconcile()
    assert ["a"] == rung
    assert State.HELD is table.get(held).state


def test_what_pauses_is_not_rung_for_before_its_time(table, rung, clock):
    table.add("a", {})
    pause = table.again(table.claim("one"), "later", 3)
    rung.clear()

    table.reconcile()
    assert [] == rung

    clock.move(pause + 1)
    table.reconcile()
    assert ["a"] == rung


def test_without_valkey_nobody_is_woken():
    with ringing(None) as ring:
        assert silence is ring
        assert ring("a") is None


def test_every_kind_has_a_lane_that_takes_it():
    assert {lane_of(each.name) for each in KINDS} == lanes().keys()
    assert QUICK == lane_of("no such kind")
