# SPDX-License-Identifier: Apache-2.0
"""One call with all that stands before it."""

import asyncio
import gc
import random
import time
import weakref
from contextlib import aclosing

import pytest

from beast_ops.errors import (
    MissingError,
    RestingError,
    ServiceError,
    SlowError,
    UnavailableError,
)
from beast_ops.resilience import Guard, Policy
from beast_ops.resilience.figures import OUTCOMES

QUICK = Policy(failures=3, attempts=3, wait=0.001, seconds=5)


class Service:
    """Fails as told, then answers; knows how many called at once."""

    def __init__(self, *failures, seconds=0.0):
        self.failures, self.seconds = list(failures), seconds
        self.calls = self.inside = self.most = 0
        self.times = []

    async def ask(self):
        self.calls += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.times.append(time.monotonic())
        try:
            await asyncio.sleep(self.seconds)
            if self.failures and (failure := self.failures.pop(0)) is not None:
                raise failure
            return "answer"
        finally:
            self.inside -= 1


def away(after=None):
    return UnavailableError("away", after=after)


def outcomes(guard):
    return {name: count for name, count in guard.figures().outcomes.items() if count}


def test_a_call_is_counted_and_leaves_nothing():
    guard, service = Guard("it", QUICK), Service()

    assert "answer" == asyncio.run(guard.run(service.ask))

    found = guard.figures()
    assert {"answered": 1} == outcomes(guard)
    assert (0, 0, 1) == (found.running, found.retries, sum(found.buckets))
    assert guard.idle


def test_what_may_go_away_is_asked_again():
    guard, service = Guard("it", QUICK), Service(away(), away())

    assert "answer" == asyncio.run(guard.run(service.ask))
    assert (3, 2) == (service.calls, guard.figures().retries)
    assert "closed" == guard.state


@pytest.mark.parametrize(
    "lasting", [ServiceError("no"), MissingError("no"), SlowError("no"), RestingError("no")]
)
def test_what_stays_as_it_is_is_asked_once(lasting):
    guard, service = Guard("it", QUICK), Service(lasting)

    with pytest.raises(type(lasting), match="no"):
        asyncio.run(guard.run(service.ask))

    assert (1, 0) == (service.calls, guard.figures().retries)


def test_all_attempts_of_a_call_are_one_failure():
    guard, service = Guard("it", QUICK), Service(*[away()] * 99)

    async def main():
        for _ in range(QUICK.failures):
            with pytest.raises(UnavailableError, match="away"):
                await guard.run(service.ask)
        with pytest.raises(RestingError):
            await guard.run(service.ask)

    asyncio.run(main())

    assert QUICK.failures * QUICK.attempts == service.calls
    assert {"unavailable": 3, "resting": 1} == outcomes(guard)
    assert 1 == guard.opened
    assert not guard.idle


def test_a_refusal_is_a_sign_of_life():
    refusals = [away(), away(), MissingError("no"), away(), away(), ServiceError("no")]
    guard = Guard("it", Policy(failures=3, attempts=1))
    service = Service(*refusals)

    async def main():
        for _ in refusals:
            with pytest.raises((UnavailableError, MissingError, ServiceError)):
                await guard.run(service.ask)

    asyncio.run(main())

    assert "closed" == guard.state
    assert {"unavailable": 4, "refused": 2} == outcomes(guard)


def test_the_wait_that_a_service_asks_for_is_kept():
    guard, service = Guard("it", QUICK), Service(away(after=0.3))

    asyncio.run(guard.run(service.ask))

    assert 0.3 <= service.times[1] - service.times[0] < 0.6


def test_a_wait_beyond_the_deadline_is_not_begun():
    guard, service = Guard("it", QUICK), Service(away(after=60))
    begun = time.monotonic()

    with pytest.raises(UnavailableError, match="away"):
        asyncio.run(guard.run(service.ask, seconds=2))

    assert time.monotonic() - begun < 1
    assert 1 == service.calls


@pytest.mark.parametrize("way", ["the call", "the waits", "the line", "the pace"])
def test_whatever_takes_long_ends_with_the_deadline(way):
    policy = {
        "the call": QUICK,
        "the waits": Policy(attempts=1000, wait=0.05),
        "the line": Policy(at_once=1),
        "the pace": Policy(rate=0.01, burst=1),
    }[way]
    service = Service(*[away()] * 1000 if way == "the waits" else (), seconds=0.2)
    if way in {"the call", "the line"}:
        service.seconds = 60
    guard = Guard("it", policy)

    async def main():
        first = asyncio.create_task(guard.run(service.ask, seconds=3))
        await asyncio.sleep(0)
        if way == "the pace":
            await first
        begun = time.monotonic()
        with pytest.raises(SlowError, match=r"it took too long, more than 0\.5 s"):
            await guard.run(service.ask, seconds=0.5)
        took = time.monotonic() - begun
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return took

    assert 0.45 <= asyncio.run(main()) < 1
    assert 0 == guard.figures().running
    assert policy.at_once == guard._slots.free
    assert 1 == outcomes(guard)["slow"]


def test_who_gives_up_says_nothing_about_the_service():
    guard, service = Guard("it", Policy(failures=1)), Service(seconds=60)

    async def main():
        task = asyncio.create_task(guard.run(service.ask))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(main())

    assert "closed" == guard.state
    assert {"left": 1} == outcomes(guard)


def test_who_stands_in_line_when_it_opens_does_not_call():
    guard = Guard("it", Policy(failures=2, attempts=1, at_once=1))
    service = Service(*[away()] * 99, seconds=0.001)

    async def main():
        asked = (guard.run(service.ask) for _ in range(100))
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(main())

    assert 2 == service.calls
    assert 98 == sum(isinstance(each, RestingError) for each in found)


def test_calls_are_spaced_out_after_a_burst():
    guard, service = Guard("it", Policy(rate=50, burst=10)), Service()

    async def main():
        await asyncio.gather(*(guard.run(service.ask) for _ in range(30)))

    asyncio.run(main())

    first, last = service.times[0], service.times[-1]
    assert service.times[9] - first < 0.1
    assert 0.38 <= last - first < 0.7  # 20 more at 50 a second
    assert guard.figures().waited > 0


def test_each_event_loop_has_a_bucket_and_those_that_are_over_go():
    guard, service = Guard("it", Policy(rate=1000, burst=10)), Service()

    for _ in range(5):
        asyncio.run(guard.run(service.ask))

    assert 1 == len(guard._pace._buckets)


def test_a_stream_comes_in_pieces():
    guard = Guard("it", QUICK)

    async def main():
        return [piece async for piece in guard.stream(stream("a", "b"))]

    assert ["a", "b"] == asyncio.run(main())
    assert {"answered": 1} == outcomes(guard)
    assert guard.policy.at_once == guard._slots.free


def stream(*pieces, opened=None):
    """Return what opens a stream of *pieces*, in which an exception is raised."""

    async def open_():
        if opened is not None:
            opened.append(1)
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                yield piece

    return open_


def test_a_stream_is_opened_again_only_before_its_first_piece():
    guard, opened = Guard("it", QUICK), []
    ways = [stream(away(), opened=opened), stream("a", "b", away(), opened=opened)]

    got = []

    async def main():
        async for piece in guard.stream(lambda: ways.pop(0)()):  # noqa: PLW0108 - one more each time
            got.append(piece)  # noqa: PERF401 - it ends in an error

    with pytest.raises(UnavailableError, match="away"):
        asyncio.run(main())

    assert ["a", "b"] == got
    assert 2 == len(opened)
    assert {"unavailable": 1} == outcomes(guard)


def test_a_stream_that_stalls_in_the_middle_ends_with_the_deadline():
    guard = Guard("it", QUICK)

    async def main():
        async for _ in guard.stream(stream("a", 60.0, "b"), seconds=0.2):
            pass

    with pytest.raises(SlowError):
        asyncio.run(main())
    assert guard.policy.at_once == guard._slots.free


def test_a_stream_that_drips_ends_with_the_deadline():
    guard = Guard("it", QUICK)
    drops = [each for _ in range(100) for each in ("a", 0.05)]

    async def main():
        return [piece async for piece in guard.stream(stream(*drops), seconds=0.3)]

    with pytest.raises(SlowError):
        asyncio.run(main())


def test_a_stream_without_pieces_is_an_answer():
    guard = Guard("it", QUICK)

    async def main():
        return [piece async for piece in guard.stream(stream())]

    assert [] == asyncio.run(main())
    assert {"answered": 1} == outcomes(guard)


def test_who_stops_listening_gives_the_place_back_and_hangs_up():
    guard, closed = Guard("it", Policy(at_once=1, failures=1)), []

    async def open_():
        try:
            for number in range(100):
                yield number
        finally:
            closed.append(1)

    async def main():
        for _ in range(3):
            async with aclosing(guard.stream(open_)) as pieces:
                async for _ in pieces:
                    break

    asyncio.run(asyncio.wait_for(main(), 5))

    assert [1] * 3 == closed
    assert {"left": 3} == outcomes(guard)
    assert "closed" == guard.state


def test_streams_that_break_open_the_breaker():
    guard = Guard("it", QUICK)

    async def main():
        for _ in range(QUICK.failures):
            with pytest.raises(UnavailableError):
                async for _ in guard.stream(stream("a", away())):
                    pass

    asyncio.run(main())

    assert "opened" == guard.state


def test_ten_thousand_callers_are_served_in_turn_and_leave_nothing(seed):
    """Ten clients with a thousand calls each, of which some give up and some fail."""
    chance, clients = random.Random(seed), 10  # noqa: S311 - a test
    guard = Guard("it", Policy(at_once=20, failures=10**6, attempts=2, wait=0.001, seconds=300))
    service = Service(seconds=0.0005)
    served, order, shares, refs = [0] * clients, [], [], []

    async def one(number, client):
        if number % 50 == 0:
            service.failures.append(away())
        await guard.run(service.ask)
        served[client] += 1
        order.append(number)
        if len(order) == 5000:
            shares.extend(served)

    async def main():
        before = len(asyncio.all_tasks())
        who = [number % clients for number in range(10_000)]
        tasks = [asyncio.create_task(one(*each)) for each in enumerate(who)]
        refs.extend(map(weakref.ref, tasks))
        await asyncio.sleep(0)
        for task in chance.sample(tasks, 500):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert before == len(asyncio.all_tasks())

    asyncio.run(main())
    gc.collect()
    found = guard.figures()

    assert 20 == service.most
    assert max(shares) <= 2 * min(shares)
    late = [place - number for place, number in enumerate(order)]
    assert max(late) < 1000  # who was asked again does not stand at the end of the line
    assert (20, 0, 0) == (guard._slots.free, guard._slots.waiting, found.running)
    assert 10_000 == sum(found.outcomes.values())
    assert 500 == found.outcomes["left"]
    assert not any(ref() for ref in refs)


def test_every_outcome_is_named():
    guard = Guard("it", QUICK)

    assert set(OUTCOMES) == set(guard.figures().outcomes)
