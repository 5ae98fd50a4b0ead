# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from beast_ops.api.once import Once
from beast_ops.clock import Clock


class Source:
    def __init__(self):
        self.asked = 0
        self.fails = False

    async def ask(self):
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.fails:
            raise ValueError("no")
        return self.asked


def test_many_who_ask_at_once_cause_one_question():
    source = Source()

    async def go():
        once = Once(source.ask, 1.0)
        return await asyncio.gather(*(once.get() for _ in range(10)))

    assert asyncio.run(go()) == [1] * 10


def test_an_answer_is_kept_for_its_time_and_no_longer():
    source, now = Source(), [0.0]

    async def go():
        once = Once(source.ask, 1.0, Clock(monotonic=lambda: now[0]))
        first = await once.get()
        now[0] = 0.9
        second = await once.get()
        now[0] = 1.0
        return first, second, await once.get()

    assert asyncio.run(go()) == (1, 1, 2)


def test_a_failure_is_not_kept():
    source = Source()

    async def go():
        once = Once(source.ask, 1.0)
        source.fails = True
        with pytest.raises(ValueError, match="no"):
            await once.get()
        source.fails = False
        return await once.get()

    assert asyncio.run(go()) == 2
