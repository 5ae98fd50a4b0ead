# SPDX-License-Identifier: Apache-2.0
"""One call of a service, with all that keeps it from doing harm, in the one order that works.

    deadline of the whole     however it goes, it is over then
      breaker                 who is left alone is not asked; all attempts are one failure
        attempts              only what may go away by itself, and only before the first piece
          place, then pace    each attempt is one call that the service sees
            breaker again     it may have opened while we stood in line
              the call

A place is given back as soon as an attempt failed: the wait for the next one holds up nobody.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, RestingError, SlowError, UnavailableError

from .breaker import Breaker, Permit
from .figures import Figures, Tally
from .pace import Pace, Share, alone
from .policy import Policy
from .slots import Slots

# Else Python prints its warnings of each attempt where nobody set up a log, as in a verb.
logging.getLogger("stamina").addHandler(logging.NullHandler())

T = TypeVar("T")


@dataclass(slots=True)
class _Call:
    """A call under way: since when, until when (by the loop's clock), and what it holds."""

    begun: float
    until: float
    permit: Permit | None = None
    placed: bool = False
    again: bool = False


class Guard:
    """Stands before one service, or one model of a server."""

    def __init__(
        self, name: str, policy: Policy, clock: Clock = SYSTEM, share: Share = alone
    ) -> None:
        """Let calls of *name* through as *policy* says.

        Args:
            name: What is called.
            policy: The rules.
            clock: Tells how long it was left alone.
            share: Returns the Valkey in which all processes count its pace, if there is one.
        """
        self.name, self.policy = name, policy
        self._breaker = Breaker(name, policy, clock)
        self._slots, self._tally = Slots(policy.at_once), Tally()
        self._pace = Pace(name, policy, share)
        self._clock = clock

    @property
    def state(self) -> str:
        """Which state its breaker is in."""
        return self._breaker.state

    @property
    def opened(self) -> int:
        """How often its breaker was opened."""
        return self._breaker.opened

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost without it."""
        return self.state == "closed" and not self._tally.running

    def figures(self) -> Figures:
        """Return what its calls came to so far."""
        return self._tally.figures()

    async def aclose(self) -> None:
        """Close what calls of this event loop opened to count their pace."""
        await self._pace.aclose()

    async def run(self, act: Callable[[], Awaitable[T]], seconds: float | None = None) -> T:
        """Return what *act* returns, which is awaited once for each attempt.

        Args:
            act: The call; it raises `UnavailableError` for what may go away by itself.
            seconds: Until it has to be over; as the policy says if left out.

        Raises:
            RestingError: If the service is left alone.
            SlowError: If it was not over in time.
            BeastError: What *act* raises.
        """
        call = self._begin(seconds)
        try:
            async with asyncio.timeout_at(call.until):
                made = await self._attempts(act, call)
        except BaseException as failed:  # noqa: BLE001 - it is raised by what notes it
            self._fail(call, failed)
        self._end(call, "answered")
        return made

    async def stream(
        self, open_: Callable[[], AsyncGenerator[T]], seconds: float | None = None
    ) -> AsyncGenerator[T]:
        """Yield what *open_* yields; nothing is asked again once there was a piece of an answer.

        Args:
            open_: Opens the stream; called once for each attempt.
            seconds: Until it has to be over; as the policy says if left out.

        Raises:
            BeastError: As `run`.
        """
        call, opened = self._begin(seconds), list[AsyncGenerator[T]]()

        async def first() -> T:
            pieces = open_()
            try:
                piece = await anext(pieces)
            except BaseException:
                await pieces.aclose()
                raise
            opened.append(pieces)
            return piece

        try:
            async with asyncio.timeout_at(call.until):
                piece = await self._attempts(first, call)
            async with aclosing(opened[0]) as pieces:
                yield piece
                while True:
                    async with asyncio.timeout_at(call.until):
                        piece = await anext(pieces)
                    yield piece
        except StopAsyncIteration:
            self._end(call, "answered")
        except BaseException as failed:  # noqa: BLE001 - it is raised by what notes it
            self._fail(call, failed)

    def _begin(self, seconds: float | None) -> _Call:
        self._tally.begin()
        now = asyncio.get_running_loop().time()
        return _Call(now, now + (self.policy.seconds if seconds is None else seconds))

    async def _attempts(self, act: Callable[[], Awaitable[T]], call: _Call) -> T:
        call.permit = self._breaker.admit()
        try:
            return await self._once(act, call)
        except UnavailableError as failed:
            if self.policy.attempts == 1 or not _passes(failed):
                raise
            first = failed
        return await self._again(act, call, first)

    async def _again(
        self, act: Callable[[], Awaitable[T]], call: _Call, first: UnavailableError
    ) -> T:
        """Do what `_once` does until it is done, after *first*: what succeeds never waits here."""
        import stamina

        def worth(failed: Exception) -> bool | float:
            now = asyncio.get_running_loop().time()
            if now - call.begun > self.policy.patience:
                return False
            return _wait(failed, call.until - now)

        async for attempt in stamina.retry_context(
            on=worth,
            attempts=self.policy.attempts or None,
            timeout=None,  # the deadline of the whole sees to it
            wait_initial=self.policy.wait,
            wait_max=self.policy.longest_wait,
            wait_jitter=self.policy.wait,
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                self._tally.retry()
                return await self._once(act, call)
        raise AssertionError("a retry either returns or raises")  # pragma: no cover

    async def _once(self, act: Callable[[], Awaitable[T]], call: _Call) -> T:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await self._slots.take(again=call.again)
        call.placed = call.again = True
        try:
            await self._pace.take()
            self._tally.wait(loop.time() - begun)
            if call.permit is not None:
                self._breaker.check(call.permit)
            return await act()
        except BaseException:
            self._give(call)
            raise

    def _give(self, call: _Call) -> None:
        if call.placed:
            call.placed = False
            self._slots.give()

    def _end(self, call: _Call, outcome: str) -> None:
        self._give(call)
        if call.permit is not None:
            self._breaker.succeed(call.permit)
        self._tally.end(outcome, asyncio.get_running_loop().time() - call.begun)

    def _fail(self, call: _Call, failed: BaseException) -> NoReturn:
        """Note how *call* failed, and raise what the caller is to see."""
        late = isinstance(failed, TimeoutError)
        shown = self._late(call) if late else failed
        if isinstance(shown, BeastError) and not isinstance(shown, UnavailableError):
            self._end(call, "refused")  # an answer is a sign of life, whatever it says
            raise shown
        self._give(call)
        if call.permit is not None:
            if isinstance(shown, UnavailableError) and not isinstance(shown, RestingError):
                self._breaker.fail(call.permit, shown)
            else:
                self._breaker.leave(call.permit)
        self._tally.end(_outcome(shown), asyncio.get_running_loop().time() - call.begun)
        if late:
            raise shown from failed
        raise shown

    def _late(self, call: _Call) -> SlowError:
        return SlowError(
            f"{self.name} took too long, more than {call.until - call.begun:g} s",
            hint="See: ./beast health",
        )


def _passes(failed: Exception) -> bool:
    """Return whether it is worth asking again after *failed*.

    Not after a long silence: whoever asks would wait twice as long. Not while the service is left
    alone: that is the point of it.
    """
    return isinstance(failed, UnavailableError) and not isinstance(
        failed, (SlowError, RestingError)
    )


def _wait(failed: Exception, left: float) -> bool | float:
    """Return whether to ask again after *failed*, or after how many seconds; *left* are there."""
    if not isinstance(failed, UnavailableError) or not _passes(failed):
        return False
    if failed.after is None:
        return True
    return failed.after if failed.after < left else False


def _outcome(failed: BaseException) -> str:
    for kind, name in (
        (RestingError, "resting"),
        (SlowError, "slow"),
        (UnavailableError, "unavailable"),
    ):
        if isinstance(failed, kind):
            return name
    return "left"
