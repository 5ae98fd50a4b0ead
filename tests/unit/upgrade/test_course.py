# SPDX-License-Identifier: Apache-2.0
import json
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops import receipts
from beast_ops.clock import SYSTEM
from beast_ops.errors import CommandError
from beast_ops.place import Place
from beast_ops.upgrade import course
from beast_ops.upgrade.course import COPY, Course


@pytest.fixture
def place(tmp_path):
    found = Place(tmp_path)
    found.run.mkdir()
    return found


def told(place):
    return list(receipts.read_all(place.receipts))


def killed(place, phase=COPY):
    under_way = Course(place, "qdrant 1 -> 2", "3-abc")
    under_way.reach(phase)


def test_of_one_that_was_killed_the_next_tells_where(place):
    killed(place)

    course.settle(place)
    course.settle(place)

    (receipt,) = told(place)
    assert ("upgrade", "failed", "interrupted") == (
        receipt.operation,
        receipt.outcome,
        receipt.message,
    )
    assert {"step": "qdrant 1 -> 2", "failed_at": "copy"} == receipt.details
    assert "3-abc" == receipt.previous
    assert [] == list(place.run.iterdir())


def test_of_what_was_landed_for_it_only_what_is_in_force_stays(place):
    names = ("3-abc", "4-fetched", "5-tried")
    for name in names:
        (place.releases / name).mkdir(parents=True)
    place.current.symlink_to("releases/5-tried")
    under_way = Course(place, "qdrant 1 -> 2", "3-abc")
    for name in names:
        under_way.land(name)
    under_way.reach(COPY)

    course.settle(place)

    assert ["3-abc", "5-tried"] == sorted(path.name for path in place.releases.iterdir())


@pytest.mark.parametrize("error", [None, CommandError("no")])
def test_one_that_ended_left_nothing_to_tell(error, place):
    try:
        with Course(place, "step", None) as under_way:
            under_way.reach(COPY)
            if error:
                raise error
    except CommandError:
        pass

    assert [] == list(place.run.iterdir())


def test_one_that_was_interrupted_is_told_unless_it_told_itself(place):
    def interrupted():
        recording = receipts.recording(place.receipts, "upgrade", failures=True)
        with Course(place, "step", None) as under_way, recording:
            under_way.reach(COPY)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    course.settle(place)

    assert ["interrupted"] == [each.message for each in told(place)]


def test_an_older_receipt_tells_nothing_of_it(place):
    before = SYSTEM._replace(now=lambda: datetime.now(UTC) - timedelta(seconds=1))
    course.fail(place, {"step": "another"}, None, "why", before)
    killed(place)

    course.settle(place)

    assert ["interrupted", "why"] == [each.message for each in told(place)]


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"began": 1})])
def test_what_makes_no_sense_is_passed_over(text, place):
    (place.run / "upgrade.json").write_text(text)

    course.settle(place)

    assert ([], []) == (told(place), list(place.run.iterdir()))
