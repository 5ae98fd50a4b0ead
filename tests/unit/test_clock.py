# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from beast_ops.clock import SYSTEM, stamp

MOMENTS = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis wants it without; UTC is added
    max_value=datetime(9990, 1, 1),  # noqa: DTZ001 - likewise
    timezones=st.just(UTC),
)


def test_now_is_utc_and_goes_on():
    first = SYSTEM.now()
    SYSTEM.sleep(0.001)

    assert timedelta(0) == first.utcoffset()
    assert first < SYSTEM.now()


def test_a_stamp_is_utc_whatever_the_zone():
    moment = datetime(2026, 1, 2, 3, 4, 5, 123456, timezone(timedelta(hours=2)))

    assert "20260102T010405.123456Z" == stamp(moment)


@given(MOMENTS, MOMENTS)
def test_stamps_sort_like_their_moments(one, other):
    assert (one < other) == (stamp(one) < stamp(other))
