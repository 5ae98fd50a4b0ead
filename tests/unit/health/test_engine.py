# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

import pytest

from beast_ops.errors import UnavailableError
from beast_ops.health.engine import Probe, aside, run
from beast_ops.health.model import Finding, Status

FINE = Finding(Status.HEALTHY, "fine")


def after(seconds, result=FINE):
    async def look():
        await asyncio.sleep(seconds)
        return result

    return look


def raising(error):
    async def look():
        raise error

    return look


def only(probe):
    (check,) = asyncio.run(run([probe])).checks
    return check


def test_the_whole_takes_as_long_as_the_slowest():
    probes = [Probe(f"p{n}", after(0.1)) for n in range(50)]

    begun = time.monotonic()
    report = asyncio.run(run(probes))
    took = time.monotonic() - begun

    assert len(report.checks) == 50
    assert 0.1 <= took < 0.3


def test_checks_come_in_the_order_they_were_asked_for():
    report = asyncio.run(run([Probe("slow", after(0.03)), Probe("fast", after(0))]))

    assert ["slow", "fast"] == [check.name for check in report.checks]


def test_a_check_that_hangs_costs_its_own_deadline_only():
    begun = time.monotonic()
    report = asyncio.run(run([Probe("hangs", after(60), seconds=0.1), Probe("fine", after(0))]))
    took = time.monotonic() - begun

    hangs, fine = report.checks
    assert Status.UNHEALTHY is hangs.status
    assert hangs.message == "no answer within 0.1 s"
    assert 100 <= hangs.duration_ms < 300
    assert Status.HEALTHY is fine.status
    assert took < 0.5


def test_what_being_late_means_is_up_to_the_check():
    check = only(Probe("disk", after(60), seconds=0.01, late=Status.UNKNOWN))

    assert Status.UNKNOWN is check.status


def test_an_error_of_ours_is_the_result_with_its_hint():
    check = only(Probe("x", raising(UnavailableError("gone", subject="there", hint="Look."))))

    assert Status.UNHEALTHY is check.status
    assert check.message == "gone (there). Look."


def test_an_unforeseen_exception_is_the_result_and_its_words_stay_inside():
    check = only(Probe("x", raising(KeyError("s3cret"))))

    assert Status.UNKNOWN is check.status
    assert check.message.startswith("the check itself failed: KeyError at test_engine.py:")
    assert "s3cret" not in check.message


def test_what_blocks_is_done_aside():
    async def both():
        sleeps = asyncio.create_task(aside(lambda: time.sleep(0.1) or "slept"))
        begun = time.monotonic()
        await asyncio.sleep(0)
        waited = time.monotonic() - begun
        return waited, await sleeps

    waited, result = asyncio.run(both())

    assert waited < 0.05
    assert result == "slept"


def test_what_fails_aside_fails_here():
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(aside(fail))


def test_what_hangs_aside_does_not_hold_up_the_end():
    async def look():
        return await aside(lambda: time.sleep(0.6) or FINE)

    async def fails():
        return await aside(lambda: time.sleep(0.3) or 1 / 0)

    begun = time.monotonic()
    report = asyncio.run(run([Probe("a", look, 0.05), Probe("b", fails, 0.05)]))
    took = time.monotonic() - begun
    time.sleep(0.7 - took)  # both threads come back after the loop has gone

    assert took < 0.25
    assert Status.UNHEALTHY is report.status


def test_a_result_that_comes_after_the_deadline_is_dropped():
    async def late():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await aside(lambda: time.sleep(0.05))
        await asyncio.sleep(0.1)

    asyncio.run(late())
