# SPDX-License-Identifier: Apache-2.0
"""A function that is called once for equal arguments: what it returned is kept with the answers.

    @remember(cache, "titles")
    async def title(text: str) -> str: ...

Who calls it while another call for the same is under way waits for that one. What it raises
reaches all who wait, and is not kept; `None` is a result like any other. Results are kept as
JSON, never as code: one that JSON would not give back as it was (a tuple, say) is returned, and
not kept.
"""

import asyncio
import inspect
import json
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import wraps
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from .answers import AnswerCache, key_of
from .flights import Flights

F = TypeVar("F", bound=Callable[..., Any])
_MISSING = object()


def remember(
    cache: AnswerCache,
    name: str = "",
    *,
    key: Callable[..., Any] | None = None,
    seconds: float | None = None,
) -> Callable[[F], F]:
    """Return what makes a function, plain or asynchronous, remember its results in *cache*.

    Args:
        cache: Keeps them; its limits hold for all that is in it.
        name: What they are kept under besides the arguments; its module and name if left out.
            Whatever else decides the result belongs in here, such as the digest of a model.
        key: Returns, for the arguments, something that JSON can write, and that differs where
            results may; all arguments if left out.
        seconds: For how long a result holds, if not for as long as *cache* says.

    Raises:
        TypeError: If the function yields, which nobody could do twice.
    """

    def decorate(function: F) -> F:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} yields; only what returns can be remembered")
        called = name or f"{function.__module__}.{function.__qualname__}"
        kept = _Kept(cache, called, key or _arguments(function), seconds)
        made = _waiting if inspect.iscoroutinefunction(function) else _plain
        return cast(F, wraps(function)(made(function, kept)))

    return decorate


class _Kept:
    """The results of one function."""

    def __init__(
        self, cache: AnswerCache, name: str, key: Callable[..., Any], seconds: float | None
    ) -> None:
        self._cache, self._name, self._key, self._seconds = cache, name, key, seconds

    def key(self, args: tuple[Any, ...], named: dict[str, Any]) -> bytes:
        """Return what the result for these arguments is kept under.

        Raises:
            TypeError: If JSON cannot write them.
        """
        try:
            return key_of(self._name, "", {"called": self._key(*args, **named)})
        except (TypeError, ValueError) as wrong:
            raise TypeError(f"{self._name} needs a key function: {wrong}") from wrong

    def get(self, key: bytes) -> Any:
        """Return what is kept, or `_MISSING`."""
        text = self._cache.get(key)
        try:
            return _MISSING if text is None else json.loads(text)
        except ValueError:
            return _MISSING

    def own(self, key: bytes, value: Any) -> Any:
        """Return *value*, which another caller has as well, as one that this one may change."""
        found = self.get(key) if isinstance(value, list | dict) else _MISSING
        return value if found is _MISSING else found

    def put(self, key: bytes, value: Any) -> None:
        """Keep *value*, if JSON gives it back as it is."""
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            return
        if _same(json.loads(text), value):
            self._cache.put(key, text, self._seconds)


def _waiting(function: Callable[..., Any], kept: _Kept) -> Callable[..., Any]:
    flights: WeakKeyDictionary[asyncio.AbstractEventLoop, Flights[Any]] = WeakKeyDictionary()

    async def call(*args: Any, **named: Any) -> Any:
        key = kept.key(args, named)
        if (found := kept.get(key)) is not _MISSING:
            return found

        async def make() -> Any:
            value = await cast("Coroutine[Any, Any, Any]", function(*args, **named))
            kept.put(key, value)
            return value

        under_way = flights.setdefault(asyncio.get_running_loop(), Flights())
        value, shared = await under_way.run(key, make)
        return kept.own(key, value) if shared else value

    return call


def _plain(function: Callable[..., Any], kept: _Kept) -> Callable[..., Any]:
    lock = threading.Lock()
    flying: dict[bytes, tuple[int, Future[Any]]] = {}

    def make(key: bytes, mine: "Future[Any]", call: Callable[[], Any]) -> Any:
        try:
            value = call()
            kept.put(key, value)
        except BaseException as failed:
            mine.set_exception(failed)
            raise
        else:
            mine.set_result(value)
            return value
        finally:
            with lock:
                del flying[key]

    def call(*args: Any, **named: Any) -> Any:
        key, me = kept.key(args, named), threading.get_ident()
        with lock:  # nobody makes what was made a moment ago
            if (found := kept.get(key)) is not _MISSING:
                return found
            owner, other = flying.get(key, (me, None))
            if other is None:
                mine: Future[Any] = Future()
                flying[key] = me, mine
        if other is None:
            return make(key, mine, lambda: function(*args, **named))
        if owner == me:  # it calls itself with the same: nobody else will end that
            return function(*args, **named)
        return kept.own(key, other.result())

    return call


def _arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what tells all arguments of *function* by their names, defaults included."""
    shape = inspect.signature(function)

    def told(*args: Any, **named: Any) -> Any:
        bound = shape.bind(*args, **named)
        bound.apply_defaults()
        return _plainly(dict(bound.arguments))

    return told


def _plainly(value: Any) -> Any:
    """Return *value* so that what differs is written otherwise, also where JSON sees no difference.

    Raises:
        TypeError: If it is nothing that JSON knows.
    """
    if isinstance(value, dict):
        return [[_plainly(key), _plainly(each)] for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(_plainly, value)]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} is no argument that JSON can write")


def _same(one: Any, other: Any) -> bool:
    """Return whether both are equal, of equal kinds all the way down: 1 is neither 1.0 nor True."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
