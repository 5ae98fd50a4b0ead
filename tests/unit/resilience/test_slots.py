# SPDX-License-Identifier: Apache-2.0
"""Places: never more than there are, in the order of coming, and none is ever lost."""

import asyncio
import random
import threading

import pytest

from beast_ops.resilience.slots import Slots


def test_who_comes_first_goes_first():
    async def main():
        slots, order = Slots(1), []

        async def one(number):
            await slots.take()
            order.append(number)
            await asyncio.sleep(0)
            slots.give()

        await asyncio.gather(*map(one, range(100)))
        return slots, order

    slots, order = asyncio.run(main())

    assert list(range(100)) == order
    assert (1, 0) == (slots.free, slots.waiting)


def test_who_had_a_place_before_does_not_stand_at_the_end():
    async def main():
        slots, order = Slots(1), []

        async def one(name, **how):
            await slots.take(**how)
            order.append(name)

        await slots.take()
        tasks = [asyncio.create_task(one(name)) for name in "ab"]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(one("again", again=True)))
        await asyncio.sleep(0)
        for _ in tasks:
            slots.give()
            await asyncio.sleep(0.01)
        await asyncio.gather(*tasks)
        return order

    assert ["again", "a", "b"] == asyncio.run(main())


@pytest.mark.parametrize("most", [1, 3])
def test_nobody_who_gives_up_takes_a_place_along(most, seed):
    chance = random.Random(seed)  # noqa: S311 - a test

    async def main():
        slots = Slots(most)
        inside = worst = 0

        async def one():
            nonlocal inside, worst
            await slots.take()
            inside += 1
            worst = max(worst, inside)
            try:
                await asyncio.sleep(chance.random() / 1000)
            finally:
                inside -= 1
                slots.give()

        tasks = [asyncio.create_task(one()) for _ in range(500)]
        while not all(task.done() for task in tasks):
            chance.choice(tasks).cancel()
            await asyncio.sleep(chance.random() / 2000)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert any(task.cancelled() for task in tasks)
        assert not all(task.cancelled() for task in tasks)
        return slots, worst

    slots, worst = asyncio.run(main())

    assert most == worst
    assert (most, 0) == (slots.free, slots.waiting)


def test_a_place_that_comes_in_the_moment_of_giving_up_goes_to_the_next():
    async def main():
        slots = Slots(1)
        await slots.take()
        gone, stays = (asyncio.create_task(slots.take()) for _ in range(2))
        await asyncio.sleep(0)
        slots.give()  # it is `gone`'s from here on
        gone.cancel()
        await asyncio.wait_for(stays, 1)
        assert gone.cancelled()

    asyncio.run(main())


def test_threads_share_the_places():
    slots, most = Slots(2), 0
    inside, lock = 0, threading.Lock()

    async def one():
        nonlocal inside, most
        await slots.take()
        with lock:
            inside += 1
            most = max(most, inside)
        await asyncio.sleep(0.001)
        with lock:
            inside -= 1
        slots.give()

    async def many():
        await asyncio.gather(*(one() for _ in range(30)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)

    assert (2, 2) == (most, slots.free)
