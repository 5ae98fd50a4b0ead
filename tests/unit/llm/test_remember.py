# SPDX-License-Identifier: Apache-2.0
"""Functions that are called once for equal arguments, plain and asynchronous."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.clock import Clock
from beast_ops.llm.answers import AnswerCache, Limits
from beast_ops.llm.remember import remember

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


class Time:
    """A clock that tests move."""

    def __init__(self):
        self.seconds = 0.0
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        self.clock = Clock(now=lambda: begin + timedelta(seconds=self.seconds))


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def cache(tmp_path, time):
    with AnswerCache(tmp_path / "a", Limits(entries=3), time.clock) as made:
        yield made


@pytest.fixture(params=["plain", "waiting"])
def make(request, cache):
    """Return what decorates a plain function, or one that does the same and is awaited."""

    def decorated(function, *args, **how):
        if request.param == "plain":
            return remember(cache, *args, **how)(function)

        async def awaited(*given, **named):
            await asyncio.sleep(0)
            return function(*given, **named)

        awaited.__wrapped__ = function  # so that its arguments have their names
        waiting = remember(cache, *args, **how)(awaited)
        return lambda *given, **named: asyncio.run(waiting(*given, **named))

    return decorated


class Counted:
    """A function that notes its calls, and returns or raises what it is told."""

    def __init__(self, *results):
        self.results, self.calls = list(results), []

    def __call__(self, text, more=1):
        self.calls.append((text, more))
        result = self.results.pop(0) if self.results else text
        if isinstance(result, Exception):
            raise result
        return result


def plain(counted):
    def function(text, more=1):
        return counted(text, more)

    return function


def test_equal_arguments_are_one_call_however_they_are_written(make):
    counted = Counted()
    function = make(plain(counted))

    assert ["a"] * 4 == [
        function("a"),
        function(text="a"),
        function("a", 1),
        function(more=1, text="a"),
    ]
    assert [("a", 1)] == counted.calls


@pytest.mark.parametrize(
    "other", [("a", 2), ("a", 1.5), ("a", "1"), ("b", 1), ("a", [1]), ("a", None)]
)
def test_other_arguments_are_another_call(make, other):
    counted = Counted()
    function = make(plain(counted))

    function("a", 1), function(*other)

    assert 2 == len(counted.calls)


@pytest.mark.parametrize("result", [None, False, 0, "", [], {}, "ü", {"a": [1, 2.5, None]}])
def test_whatever_it_returns_is_a_result_also_nothing(make, result):
    counted = Counted(result, "second")
    function = make(plain(counted))

    assert [result, result] == [function("a"), function("a")]
    assert 1 == len(counted.calls)


@pytest.mark.parametrize("result", [(1, 2), {1: 2}, b"x", {"a": (1,)}, float("inf")])
def test_what_json_would_change_is_returned_and_not_kept(make, result):
    counted = Counted(result, result)
    function = make(plain(counted))

    assert [result, result] == [function("a"), function("a")]
    assert 2 == len(counted.calls)


def test_failures_are_not_kept(make):
    counted = Counted(ValueError("no"), "yes")
    function = make(plain(counted))

    with pytest.raises(ValueError, match="no"):
        function("a")

    assert ["yes", "yes"] == [function("a"), function("a")]


def test_a_result_holds_for_its_time(make, time):
    counted = Counted()
    function = make(plain(counted), seconds=10)
    function("a")
    time.seconds = 9.9
    function("a")
    assert 1 == len(counted.calls)

    time.seconds = 10
    function("a")

    assert 2 == len(counted.calls)


def test_the_limits_of_the_cache_hold(make, cache):
    function = make(plain(Counted()))

    for number in range(10):
        function(str(number))

    assert 3 == cache.size()[0]


def test_functions_have_results_of_their_own(cache):
    one, other = (remember(cache, name)(plain(Counted(name))) for name in ("n", "m"))

    assert ["n", "m", "n"] == [one("a"), other("a"), one("a")]


def test_the_key_says_what_is_equal(make):
    counted = Counted()
    function = make(plain(counted), key=lambda text, **_: text.casefold())

    function("A", more=object()), function("a")

    assert 1 == len(counted.calls)


def test_arguments_that_cannot_be_told_need_a_key(make):
    with pytest.raises(TypeError, match="needs a key function: object is no argument"):
        make(plain(Counted()))(object())


@pytest.mark.parametrize("kind", ["plain", "waiting"])
def test_what_yields_is_refused(cache, kind):
    def yields():
        yield 1

    async def waits():
        yield 1

    with pytest.raises(TypeError, match="yields; only what returns"):
        remember(cache)(yields if kind == "plain" else waits)


def test_threads_that_call_at_once_are_one_call(cache):
    begun, go, calls = threading.Event(), threading.Event(), []

    @remember(cache)
    def function(text):
        calls.append(text)
        begun.set()
        assert go.wait(20)
        return text

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(function, "a") for _ in range(8)]
        assert begun.wait(20)
        go.set()
        assert ["a"] * 8 == [each.result(20) for each in waiting]
    assert ["a"] == calls


def test_threads_that_wait_get_the_same_failure(cache):
    begun, go = threading.Event(), threading.Event()

    @remember(cache)
    def function(_):
        begun.set()
        assert go.wait(20)
        raise OSError("away")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(function, "a")
        assert begun.wait(20)
        second = pool.submit(function, "a")
        go.set()
        for each in (first, second):
            with pytest.raises(OSError, match="away"):
                each.result(20)


def test_a_function_that_calls_itself_ends(cache):
    deep = []

    @remember(cache)
    def function(text):
        deep.append(text)
        return function(text) if len(deep) < 3 else "end"

    assert "end" == function("a")


def test_tasks_that_call_at_once_are_one_call_and_one_may_give_up(cache):
    calls = []

    @remember(cache)
    async def function(text):
        calls.append(text)
        await asyncio.sleep(0.05)

    async def main():
        tasks = [asyncio.create_task(function("a")) for _ in range(10)]
        await asyncio.sleep(0.01)
        tasks[0].cancel()
        return await asyncio.gather(*tasks[1:])

    assert [None] * 9 == asyncio.run(main())
    assert ["a"] == calls


def test_it_is_called_as_before(cache):
    @remember(cache)
    async def function(text: str) -> str:
        """Return it."""
        return text

    assert ("function", "Return it.") == (function.__name__, function.__doc__)
    assert asyncio.iscoroutinefunction(function)


def test_what_comes_from_the_cache_is_what_was_returned(tmp_path):
    with AnswerCache(tmp_path / "a") as cache:

        @given(value=JSON)
        def holds(value):
            cache.clear()
            results = [value, "second"]
            function = remember(cache)(lambda: results.pop(0))
            first, second = function(), function()

            assert repr(first) == repr(second)

        holds()


def test_what_one_caller_does_with_a_shared_result_reaches_no_other(tmp_path):
    with AnswerCache(tmp_path / "c") as cache:

        @remember(cache, "shared")
        async def made(number):
            await asyncio.sleep(0.05)
            return [number]

        async def main():
            first, second = await asyncio.gather(made(1), made(1))
            first.append("mine")
            return second

        assert [1] == asyncio.run(main())

        @remember(cache, "plain")
        def slow(number):
            sleep(0.2)
            return [number]

        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(slow, (1, 1))
        one.append("mine")
        assert [1] == other
