# SPDX-License-Identifier: Apache-2.0
"""The breaker, against what SPEC says of it in its simplest form."""

import gc
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from beast_ops.clock import Clock
from beast_ops.errors import RestingError, UnavailableError
from beast_ops.resilience.breaker import Breaker
from beast_ops.resilience.policy import CHAT, Policy

USUAL = Policy()
DOWN = UnavailableError("down")


class Time:
    """A clock that tests move."""

    def __init__(self):
        self.seconds = 1000.0
        self.clock = Clock(monotonic=lambda: self.seconds)


def breaker(policy=USUAL, time=None):
    return Breaker("it", policy, (time or Time()).clock)


def fail(one, times=1):
    for _ in range(times):
        one.fail(one.admit(), DOWN)


def opened(policy=USUAL, time=None):
    one = breaker(policy, time)
    fail(one, policy.failures)
    return one


def test_the_figures_are_those_of_the_specification():
    assert (5, 2, 60.0) == (USUAL.failures, USUAL.successes, USUAL.rest)
    assert (3, 2, 30.0) == (CHAT.failures, CHAT.successes, CHAT.rest)


def test_it_opens_at_the_fifth_failure_in_a_row():
    one = breaker()
    fail(one, 4)
    one.succeed(one.admit())
    fail(one, 4)
    assert "closed" == one.state

    fail(one)

    assert "opened" == one.state
    with pytest.raises(RestingError, match="failed 5 times in a row") as refused:
        one.admit()
    assert 60 == refused.value.after


def test_only_one_probes_and_two_in_a_row_have_to_succeed():
    time = Time()
    one = opened(time=time)
    time.seconds += 60
    first = one.admit()
    for _ in range(10):
        with pytest.raises(RestingError, match="being tried"):
            one.admit()
    one.succeed(first)
    assert "half-opened" == one.state

    one.succeed(one.admit())

    assert "closed" == one.state
    assert 1 == one.opened
    one.admit(), one.admit()


def test_a_probe_that_fails_opens_it_for_another_rest():
    time = Time()
    one = opened(time=time)
    time.seconds += 60
    fail(one)
    time.seconds += 59.9

    with pytest.raises(RestingError):
        one.admit()

    assert 2 == one.opened


def test_a_probe_that_is_given_up_makes_room_for_the_next():
    time = Time()
    one = opened(time=time)
    time.seconds += 60
    one.leave(one.admit())

    one.admit()

    assert "half-opened" == one.state


def test_what_began_before_it_opened_says_nothing_afterwards():
    time = Time()
    one = breaker(time=time)
    late = [one.admit() for _ in range(4)]
    fail(one, 5)
    time.seconds += 60
    probe = one.admit()

    one.succeed(late[0])
    one.succeed(late[1])
    one.fail(late[2], DOWN)
    one.leave(late[3])

    assert "half-opened" == one.state
    with pytest.raises(RestingError):
        one.admit()  # the probe is still under way
    one.succeed(probe)


def test_who_waited_while_it_opened_is_told():
    one = breaker()
    waiting = one.admit()
    one.check(waiting)
    fail(one, 5)

    with pytest.raises(RestingError):
        one.check(waiting)


def test_who_waited_until_it_is_well_again_goes_on():
    time = Time()
    one = breaker(Policy(failures=1, successes=1), time)
    waiting = one.admit()
    fail(one)
    time.seconds += 60
    one.succeed(one.admit())

    one.check(waiting)


def test_refusals_leave_nothing_behind():
    one = opened()

    def refused():
        try:
            one.admit()
        except RestingError as failed:
            return len(list(_frames(failed.__traceback__)))
        raise AssertionError

    def _frames(trace):
        while trace:
            yield trace
            trace = trace.tb_next

    lengths = [refused() for _ in range(100)]
    fail_many = breaker(Policy(failures=10**9))
    fail(fail_many, 1000)
    gc.collect()

    assert all(one == other for one, other in pairwise(lengths))
    assert [] == fail_many._circuit.messages


class AsSpecified(RuleBasedStateMachine):
    """Any number of calls at once, ending in any order, against the specification.

    The model knows nothing of circuits: it keeps, for the state it is in, failures or successes
    in a row, and who was let in since then.
    """

    @initialize(
        failures=st.integers(1, 4), successes=st.integers(1, 3), rest=st.sampled_from([1, 30])
    )
    def begin(self, failures, successes, rest):
        self.policy = Policy(failures=failures, successes=successes, rest=rest)
        self.time = Time()
        self.real = breaker(self.policy, self.time)
        self.state, self.row, self.since = "closed", 0, 0.0
        self.mine, self.late = [], []  # calls let in in this state, and in earlier ones

    def enter(self, state):
        self.state, self.row, self.since = state, 0, self.time.seconds
        self.late += self.mine
        self.mine = []

    @rule()
    def call(self):
        if self.state == "opened" and self.time.seconds - self.since >= self.policy.rest:
            self.enter("half-opened")
        let_in = self.state == "closed" or (self.state == "half-opened" and not self.mine)
        if let_in:
            self.mine.append(self.real.admit())
        else:
            with pytest.raises(RestingError):
                self.real.admit()

    @precondition(lambda self: self.mine)
    @rule(data=st.data(), how=st.sampled_from(["succeed", "fail", "leave"]))
    def end(self, data, how):
        permit = self.mine.pop(data.draw(st.integers(0, len(self.mine) - 1)))
        if how == "leave":
            self.real.leave(permit)
        elif how == "fail":
            self.real.fail(permit, DOWN)
            self.row += 1
            if self.state == "half-opened" or self.row >= self.policy.failures:
                self.enter("opened")
        else:
            self.real.succeed(permit)
            self.row = self.row + 1 if self.state == "half-opened" else 0
            if self.state == "half-opened" and self.row >= self.policy.successes:
                self.enter("closed")

    @precondition(lambda self: self.late)
    @rule(data=st.data(), how=st.sampled_from(["succeed", "fail", "leave", "check"]))
    def end_late(self, data, how):
        place = data.draw(st.integers(0, len(self.late) - 1))
        if how == "check":
            if self.state == "closed":
                self.real.check(self.late[place])
            else:
                with pytest.raises(RestingError):
                    self.real.check(self.late[place])
            return
        permit = self.late.pop(place)
        if how == "fail":
            self.real.fail(permit, DOWN)
        else:
            getattr(self.real, how)(permit)

    @rule(seconds=st.sampled_from([0.5, 1, 29.5, 30]))
    def pass_time(self, seconds):
        self.time.seconds += seconds

    @invariant()
    def agree(self):
        assert self.state == self.real.state
        assert self.state != "half-opened" or len(self.mine) <= 1


TestAsSpecified = AsSpecified.TestCase
TestAsSpecified.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


def test_of_many_threads_one_probes_at_a_time(seed):
    """Threads call for a while as fast as they can, with a rest that is over at once."""
    one = Breaker("it", Policy(failures=2, successes=3, rest=0.0002))
    lock, ended = threading.Lock(), dict.fromkeys(["succeed", "fail", "leave", "refused"], 0)
    probes = most = 0
    over = time.monotonic() + 1.5

    def act(chance):
        nonlocal probes, most
        while time.monotonic() < over:
            with lock:  # who is let in, and in which state, is one moment
                try:
                    permit = one.admit()
                except RestingError:
                    ended["refused"] += 1
                    continue
                is_probe = one.state == "half-opened"
                probes += is_probe
                most = max(most, probes)
            time.sleep(chance.random() / 5000)
            how = chance.choice(["succeed", "succeed", "succeed", "fail", "leave"])
            with lock:
                probes -= is_probe
            getattr(one, how)(permit, *([DOWN] if how == "fail" else []))
            ended[how] += 1

    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(act, random.Random(seed + n)) for n in range(8)]:  # noqa: S311 - a test
            each.result(30)

    assert 1 == most
    assert one.opened > 5
    assert all(ended.values())
