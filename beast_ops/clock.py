# SPDX-License-Identifier: Apache-2.0
"""The only room that knows what time it is."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple


def _utc() -> datetime:
    return datetime.now(UTC)


class Clock(NamedTuple):
    """Three questions one may ask about time; tests pass their own answers."""

    now: Callable[[], datetime] = _utc
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM = Clock()


def stamp(moment: datetime) -> str:
    """Return *moment* as a name that sorts: `20260102T030405.123456Z`, always UTC."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
