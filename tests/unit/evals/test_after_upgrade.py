# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.evals.after_upgrade import guarded
from beast_ops.health.model import Check, Report, Status
from beast_ops.release.apply import Hands
from beast_ops.testing import Canned
from tests.unit.evals.conftest import CATS


def report(status=Status.HEALTHY):
    from datetime import UTC, datetime

    return Report(datetime.now(UTC), (Check("store", status, "", {}, 1.0),))


@pytest.fixture
def hands():
    def never(*_):
        raise AssertionError("only the gate is of interest")

    return Hands(never, never, never, lambda _: report(), never, never)


def golden(found):
    return [(each.status, each.message) for each in found.checks if "golden" in each.name]


def test_as_good_as_before_passes(stack, hands):
    found = guarded(stack.place, hands).gate(stack.place)

    assert found.passable
    assert golden(found) == [(Status.HEALTHY, "recall@5 1.000, before 1.000")]


def test_a_fall_blocks_the_change(stack, hands):
    judging = guarded(stack.place, hands)
    stack.answers(CATS)

    found = judging.gate(stack.place)

    assert not found.passable
    ((status, said),) = golden(found)
    assert status is Status.UNHEALTHY
    assert "recall@5 fell from 1.000 to 0.500" in said


def test_an_api_that_does_not_answer_yet_does_not_pass(stack, hands):
    judging = guarded(stack.place, hands)
    stack.now[0] = Canned({}, status=503)

    assert not judging.gate(stack.place).passable


def test_a_gate_that_fails_asks_nothing(stack, hands):
    from dataclasses import replace

    judging = guarded(stack.place, replace(hands, gate=lambda _: report(Status.UNHEALTHY)))
    asked = len(stack.fake.asked)

    assert golden(judging.gate(stack.place)) == []
    assert asked == len(stack.fake.asked)


def test_what_could_not_be_asked_before_is_not_judged_after(stack, hands):
    stack.now[0] = Canned({}, status=503)

    assert guarded(stack.place, hands) is hands


def test_without_questions_nothing_is_asked(stack, hands):
    (stack.place.root / "evals" / "docs.yaml").unlink()

    assert guarded(stack.place, hands) is hands
    assert stack.fake.asked == []
