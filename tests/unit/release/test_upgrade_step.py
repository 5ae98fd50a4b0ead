# SPDX-License-Identifier: Apache-2.0
"""A step of an upgrade from where its data are copied, with hands that do as they are told."""

import dataclasses

import pytest

from beast_ops import receipts
from beast_ops.errors import CommandError, UnavailableError
from beast_ops.release.apply import apply
from beast_ops.release.land import land
from beast_ops.release.observe import current_release
from beast_ops.upgrade import host

pytestmark = pytest.mark.usefixtures("runs")
AWAY = UnavailableError("the engine does not answer")


@pytest.fixture
def step(place, ship, fake):
    """Return what switches to another release, on a copy of the data, where all is stopped."""
    apply(place, ship("one"), fake.hands)
    fake.log.clear()
    shipment = ship("two", generation="2")
    shipment = shipment.model_copy(update={"upgrade": "a step"})

    def switch(hands=fake.hands):
        return host._Step(place, shipment, hands)._switch(land(place, shipment), "2")

    return switch


def test_what_never_began_leaves_nothing_stopped(step, place, fake):
    before = current_release(place)
    fake.fails["prepare two"] = AWAY

    with pytest.raises(CommandError, match="does not answer"):
        step()

    assert ["start one"] == fake.log
    assert before == current_release(place)
    last = next(receipts.read_all(place.receipts))
    assert ("failed", "a step", "switch") == (
        last.outcome,
        last.details["step"],
        last.details["failed_at"],
    )


def test_what_did_not_hold_is_ended_before_what_was_comes_back(step, place, fake):
    before = current_release(place)
    fake.bad.add("two")

    with pytest.raises(CommandError, match=r"a step: .* did not prove itself"):
        step()

    assert "stop two" in fake.log
    assert "start one" == fake.log[fake.log.index("stop two") + 1]
    assert before == current_release(place)
    assert "switch" == next(receipts.read_all(place.receipts)).details["failed_at"]


def test_what_cannot_be_woken_is_told_with_why_it_failed(step, fake):
    fake.fails |= {"prepare two": CommandError("no such image"), "start one": CommandError("ill")}

    with pytest.raises(CommandError, match=r"no such image.* does not start again: ill"):
        step()


def test_what_holds_says_nothing_of_failing(step, place, fake):
    done = step(dataclasses.replace(fake.hands))

    assert current_release(place) == done.release
    assert "failed_at" not in next(receipts.read_all(place.receipts)).details
