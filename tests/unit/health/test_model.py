# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime
from itertools import product

import pytest

from beast_ops.health.model import Check, Report, Status, overall

H, D, U, N = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN


def report(*statuses):
    checks = tuple(Check(f"c{n}", each, "m", {"k": 1}, 1.26) for n, each in enumerate(statuses))
    return Report(datetime(2026, 1, 2, tzinfo=UTC), checks)


@pytest.mark.parametrize("statuses", list(product(Status, repeat=3)))
def test_the_overall_status_follows_the_rule(statuses):
    if U in statuses:
        expected = U
    elif D in statuses:
        expected = D
    elif N in statuses:
        expected = N
    else:
        expected = H

    assert expected is overall(statuses)


def test_nothing_checked_is_unknown():
    assert overall([]) is Status.UNKNOWN


@pytest.mark.parametrize(("status", "code"), [(H, 0), (D, 1), (U, 2), (N, 3)])
def test_each_status_has_its_exit_code(status, code):
    assert code == report(status).exit_code


@pytest.mark.parametrize(("status", "passable"), [(H, True), (D, True), (U, False), (N, False)])
def test_one_may_go_on_with_healthy_and_degraded(status, passable):
    assert passable is report(status).passable


def test_the_json_has_exactly_the_fields_of_the_contract():
    found = report(D).as_dict()

    expected = {
        "status": "degraded",
        "timestamp": "2026-01-02T00:00:00+00:00",
        "checks": [
            {
                "name": "c0",
                "status": "degraded",
                "message": "m",
                "details": {"k": 1},
                "duration_ms": 1.3,
            }
        ],
    }
    assert expected == found
