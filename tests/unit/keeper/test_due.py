# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beast_ops.keeper.due import BORN, Attempt, due, newest_slot, pause
from beast_ops.keeper.settings import KeeperSettings

BERLIN = ZoneInfo("Europe/Berlin")
BOTH = KeeperSettings()
BACKUPS = KeeperSettings(drill_enabled=False)
DRILLS = KeeperSettings(backup_enabled=False)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SLOT = datetime(2026, 5, 6, 3, tzinfo=UTC)  # a Wednesday
DRILL = datetime(2026, 5, 3, 4, tzinfo=UTC)  # a Sunday


def kind(now, settings=BACKUPS, success=None, attempts=None, zone=UTC):
    run = due(now, settings, success or {}, attempts or {}, zone)
    return run and run.kind


def test_a_backup_is_due_from_its_moment_on_and_not_before():
    success = {"backup": SLOT - DAY}

    assert kind(SLOT - timedelta(seconds=1), success=success) is None
    assert "backup" == kind(SLOT, success=success)
    assert "backup" == kind(SLOT + 10 * HOUR, success=success)


def test_a_backup_that_succeeded_at_its_moment_or_later_is_not_made_again():
    assert kind(SLOT, success={"backup": SLOT}) is None
    assert kind(SLOT + HOUR, success={"backup": SLOT + timedelta(minutes=9)}) is None


def test_a_backup_just_before_its_moment_is_that_of_the_day_before():
    success = {"backup": SLOT - timedelta(minutes=1)}

    assert "backup" == kind(SLOT, success=success)


def test_a_week_off_is_caught_up_by_one_backup():
    run = due(SLOT + HOUR, BACKUPS, {"backup": SLOT - 7 * DAY}, {}, UTC)
    assert run is not None

    assert SLOT == run.slot
    assert kind(SLOT + HOUR, success={"backup": SLOT + HOUR}) is None


def test_a_young_installation_makes_a_backup_and_waits_for_its_first_drill():
    tuesday = DRILL + 2 * DAY
    made = {BORN: tuesday, "backup": tuesday}

    assert "backup" == kind(tuesday, BOTH)
    assert kind(tuesday + HOUR, DRILLS, made) is None
    assert "drill" == kind(DRILL + 7 * DAY, DRILLS, made)


def test_without_any_backup_there_is_nothing_to_drill():
    assert kind(DRILL, DRILLS, {BORN: DRILL - 30 * DAY}) is None


def test_a_drill_is_weekly_and_caught_up():
    success = {BORN: DRILL - 90 * DAY, "backup": DRILL, "drill": DRILL - 7 * DAY}

    assert kind(DRILL - HOUR, DRILLS, success) is None
    assert "drill" == kind(DRILL + 3 * DAY, DRILLS, success)
    assert kind(DRILL + 6 * DAY, DRILLS, {**success, "drill": DRILL + HOUR}) is None


def test_a_backup_goes_before_a_drill():
    success = {BORN: DRILL - 90 * DAY, "backup": DRILL - 2 * DAY}

    assert "backup" == kind(DRILL, BOTH, success)
    assert "drill" == kind(DRILL, BOTH, {**success, "backup": DRILL})


def test_what_is_switched_off_is_never_due():
    neither = KeeperSettings(backup_enabled=False, drill_enabled=False)

    assert kind(DRILL, neither, {BORN: DRILL - 90 * DAY, "backup": DRILL}) is None


@pytest.mark.parametrize(
    ("outcome", "failures", "wait"),
    [("busy", 0, HOUR / 12), ("busy", 4, HOUR / 12), ("failed", 1, HOUR), ("failed", 2, 2 * HOUR),
     ("failed", 4, 8 * HOUR), ("failed", 5, 12 * HOUR), ("failed", 999, 12 * HOUR)],
)  # fmt: skip
def test_what_failed_is_tried_again_after_a_pause_that_grows(outcome, failures, wait):
    last = Attempt(SLOT, SLOT, outcome, failures)

    assert wait == pause(last)
    assert kind(SLOT + wait - timedelta(seconds=1), attempts={"backup": last}) is None
    assert "backup" == kind(SLOT + wait, attempts={"backup": last})


def test_the_next_moment_does_not_wait_for_the_pause_of_the_last():
    late = Attempt(SLOT, SLOT + 22 * HOUR, "failed", 9)

    assert "backup" == kind(SLOT + DAY, attempts={"backup": late})


def test_a_backup_that_fails_does_not_hold_the_drill_up():
    success = {BORN: DRILL - 90 * DAY, "backup": DRILL - 2 * DAY}
    failed = Attempt(DRILL - HOUR, DRILL, "failed", 1)

    assert "drill" == kind(DRILL, BOTH, success, {"backup": failed})


def test_what_ended_well_without_a_receipt_is_not_made_again_for_that_moment():
    done = Attempt(SLOT, SLOT, "done")

    assert kind(SLOT + 20 * HOUR, attempts={"backup": done}) is None
    assert "backup" == kind(SLOT + DAY, attempts={"backup": done})


def test_a_clock_that_goes_back_makes_nothing_due_again():
    success = {"backup": SLOT + timedelta(minutes=4)}

    assert kind(SLOT - timedelta(minutes=10), success=success) is None
    assert kind(SLOT + timedelta(minutes=1), success=success) is None


def test_a_success_of_a_clock_that_was_far_ahead_does_not_stop_backups():
    assert "backup" == kind(SLOT, success={"backup": SLOT + 365 * DAY})


def test_a_moment_that_spring_leaves_out_is_an_hour_later():
    settings = KeeperSettings(backup_at="02:30", drill_enabled=False)
    success = {"backup": datetime(2026, 3, 28, 12, tzinfo=BERLIN)}

    assert kind(datetime(2026, 3, 29, 3, 29, tzinfo=BERLIN), settings, success, zone=BERLIN) is None
    assert "backup" == kind(
        datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN), settings, success, zone=BERLIN
    )


def test_of_a_moment_that_autumn_repeats_the_first_counts():
    settings = KeeperSettings(backup_at="02:30", drill_enabled=False)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert first == newest_slot(first, "02:30", None, BERLIN)
    assert first == newest_slot(first + HOUR, "02:30", None, BERLIN)
    assert kind(first + HOUR, settings, {"backup": first}, zone=BERLIN) is None


@pytest.mark.parametrize("wrong", ["24:00", "3:00", "03:60", "", "03:00:00", "noon"])
def test_what_is_no_time_of_day_is_refused(wrong):
    with pytest.raises(ValidationError):
        KeeperSettings(backup_at=wrong)


STEPS = st.lists(st.integers(-23 * 60, 60 * 60), min_size=1, max_size=60)


@given(steps=STEPS, fails=st.lists(st.booleans(), max_size=20))
def test_however_the_clock_goes_no_moment_has_two_runs_that_succeed(steps, fails):
    now, success, attempts, done = SLOT, {BORN: SLOT - 90 * DAY}, {}, []
    failing = iter(fails)
    for minutes in steps:
        # It goes back by less than a day from the last success, as clocks that are set do.
        now = max(now + timedelta(minutes=minutes), success.get("backup", SLOT) - DAY)
        run = due(now, BOTH, success, attempts, BERLIN)
        if run is None:
            continue
        assert run.slot <= now
        failed = next(failing, False)
        attempts[run.kind] = Attempt(run.slot, now, "failed" if failed else "done", int(failed))
        if not failed:
            done.append((run.kind, run.slot))
            success[run.kind] = now

    assert len(set(done)) == len(done)


@given(gap=st.integers(0, 60 * 24 * 40), at=st.times())
def test_a_backup_that_is_older_than_a_day_is_always_due(gap, at):
    settings = KeeperSettings(backup_at=f"{at:%H:%M}", drill_enabled=False)
    last = SLOT
    now = last + timedelta(days=1, minutes=gap)

    assert "backup" == kind(now, settings, {"backup": last - timedelta(seconds=1)}, zone=UTC)
