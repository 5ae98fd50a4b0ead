# SPDX-License-Identifier: Apache-2.0
"""The registry of kinds: each has what runs it, and a lane that takes it."""

import pytest

from beast_ops.ingest.settings import Surroundings, WorkerSettings
from beast_ops.jobs.kinds import KINDS, QUICK, Kind, handlers, lanes


@pytest.fixture
def around(tmp_path):
    return Surroundings(
        data=tmp_path,
        settings=WorkerSettings(),
        vectors_url="http://127.0.0.1:1",
        vectors_key="k",
        models_url=None,
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_has_what_runs_it(kind, around):
    found = handlers(around, kind.lane)

    assert callable(found[kind.name].handler)
    assert (kind.seconds, kind.attempts) == (found[kind.name].seconds, found[kind.name].attempts)
    assert kind.seconds > 0
    assert kind.attempts >= 1


def test_no_two_kinds_share_a_name():
    names = [kind.name for kind in KINDS]

    assert sorted(set(names)) == sorted(names)


def test_the_quick_lane_takes_all_that_no_other_does():
    kinds = (Kind("a", ""), Kind("b", "", "long"), Kind("c", "", "long"), Kind("d", "", "other"))
    found = lanes(kinds)

    assert [QUICK, "long", "other"] == list(found)
    assert ("b", "c", "d") == found[QUICK].but
    assert ("b", "c") == found["long"].only
    assert ("d",) == found["other"].only
