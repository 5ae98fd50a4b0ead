# SPDX-License-Identifier: Apache-2.0
"""Whoever asks what in whatever order: one call for equal questions, and the cache in its limits.

The model server is held: an answer comes only when the machine lets it. The model of it all knows
which question is under way, who waits for it, and what was said before.
"""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from beast_ops.clock import Clock
from beast_ops.errors import ServiceError
from beast_ops.llm.answers import AnswerCache, Limits
from beast_ops.llm.chat import ChatServer, Ending, Request, Said, Turn
from beast_ops.llm.remembered import FRESH_SECONDS, Remembering

MODEL = "m:latest"
LIMITS = Limits(4, 2000, 100, memory_entries=2, memory_bytes=300)
numbers = st.integers(0, 5)


class Held:
    """A model server whose answers are held until they are let go."""

    body = staticmethod(ChatServer.body)

    def __init__(self):
        self.flying, self.digest, self.most = {}, "d0", 0

    async def digests(self):
        return {MODEL: self.digest}

    async def whole(self, asked):
        text = asked.turns[0].text
        waiting = self.flying.setdefault(text, [])
        future = asyncio.get_running_loop().create_future()
        waiting.append(future)
        self.most = max(self.most, len(waiting))
        try:
            return await future
        finally:
            waiting.remove(future)


class Asking(RuleBasedStateMachine):
    """Callers of one cache."""

    @initialize()
    def begin(self):
        self.folder, self.seconds = tempfile.TemporaryDirectory(), 0.0
        self.loop, self.server = asyncio.new_event_loop(), Held()
        now = lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)  # noqa: E731 - a clock
        self.clock = Clock(now=now, monotonic=lambda: self.seconds)
        self.open()
        self.waiting = {}  # by question: the tasks of who waits
        self.said = {}  # by question: what may be found, and since when
        self.made = 0

    def open(self):
        self.cache = AnswerCache(Path(self.folder.name) / "f", LIMITS, self.clock)
        self.models = Remembering(self.server, self.cache, self.clock)

    def step(self):
        async def turns():
            for _ in range(20):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    def ended(self, task):
        assert task.done()
        return self.loop.run_until_complete(task)

    @rule(number=numbers)
    def ask(self, number):
        asked = Request(MODEL, (Turn("user", str(number)),), {"temperature": 0})
        task = self.loop.create_task(self.models.answer(asked))
        self.step()
        if not task.done():
            self.waiting.setdefault(number, []).append(task)
            return
        got = self.ended(task)
        text, at = self.said[number]
        assert "cache" == got.source
        assert text == got.said.text
        assert self.seconds - at < LIMITS.seconds

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), size=st.integers(1, 600), fails=st.booleans())
    def answered(self, data, size, fails):
        number = data.draw(st.sampled_from(sorted(self.waiting)))
        [future] = self.server.flying[str(number)]
        self.made += 1
        text = f"{self.made} " + "x" * size
        if fails:
            future.set_exception(ServiceError("no"))
        else:
            future.set_result(Said(text, Ending("stop", 1, 1)))
            self.said[number] = text, self.seconds
        self.step()
        for task in self.waiting.pop(number):
            if fails:
                assert isinstance(task.exception(), ServiceError)
            else:
                assert text == self.ended(task).said.text

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def gives_up(self, data):
        number = data.draw(st.sampled_from(sorted(self.waiting)))
        tasks = self.waiting[number]
        task = tasks.pop(data.draw(st.integers(0, len(tasks) - 1)))
        task.cancel()
        self.step()
        assert task.cancelled()
        if not tasks:
            del self.waiting[number]
            assert not self.server.flying[str(number)]  # nobody waits: the model is left alone

    @rule(seconds=st.integers(0, 70))
    def time_goes_by(self, seconds):
        self.seconds += seconds

    @precondition(lambda self: not self.waiting)
    @rule()
    def other_weights(self):
        self.server.digest = f"d{self.made}-{self.seconds}"
        self.seconds += FRESH_SECONDS + 1
        self.said = {}

    @rule()
    def forgotten(self):
        self.cache.clear()
        self.said = {}

    @invariant()
    def one_call_for_each_question(self):
        assert self.server.most <= 1
        under_way = {int(text) for text, futures in self.server.flying.items() if futures}
        assert under_way == set(self.waiting)
        assert len(self.models._flights) == len(self.waiting)

    @invariant()
    def limits_hold(self):
        entries, filled = self.cache.size()
        assert entries <= LIMITS.entries
        assert filled <= LIMITS.bytes
        assert len(self.cache._memory) <= LIMITS.memory_entries
        assert self.cache._memory.bytes <= LIMITS.memory_bytes

    def teardown(self):
        if hasattr(self, "cache"):
            for tasks in self.waiting.values():
                for task in tasks:
                    task.cancel()
            self.step()
            self.loop.close()
            self.cache.close()
            self.folder.cleanup()


def test_equal_questions_are_one_call_and_the_cache_keeps_its_limits(rounds):
    Asking.TestCase.settings = settings(
        max_examples=rounds(25, 300), stateful_step_count=rounds(30, 50), deadline=None
    )
    Asking.TestCase().runTest()
