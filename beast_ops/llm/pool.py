# SPDX-License-Identifier: Apache-2.0
"""Several servers of models behind one door, which itself is one to whoever asks.

A call goes to a server that has the model, answers, and is not being taken out. Of those, the ones
preferred come first, as long as they have a place; then the one with the fewest calls of ours per
place. One that fails before the first piece of an answer is passed over for the next; what a
caller has seen the beginning of is never asked again.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import (
    BeastError,
    ConflictError,
    MissingError,
    RestingError,
    SlowError,
    UnavailableError,
)

from .pool_seats import Member, Seat, Sight
from .talk import Chat, Ending, Piece, Prompt, Speaks

__all__ = ["Member", "Pool", "Sight"]

FRESH_SECONDS = 15.0  # a model that was fetched meanwhile is seen by then
AGAIN_SECONDS = 5.0  # one that was away is looked at sooner
LOOK_SECONDS = 1.0  # whoever asks waits no longer for a member that does not answer, if others do


class Pool:
    """Asks the best of several servers; for one event loop. `Speaks` has what all raise."""

    url = "a pool of model servers"

    def __init__(self, members: Iterable[Member], clock: Clock = SYSTEM) -> None:
        """Ask *members*, whose names differ."""
        self._seats = {each.name: Seat(each) for each in members}
        self._clock = clock
        self._looks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stop looking at members; who opened their connections closes them after this."""
        looks = list(self._looks)
        for each in looks:
            each.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    def sights(self) -> tuple[Sight, ...]:
        """Return how all members are, as far as that is known just now."""
        return tuple(each.sight() for each in self._seats.values())

    def add(self, member: Member) -> None:
        """Ask *member*, too.

        Raises:
            ConflictError: If there is one of that name.
        """
        if member.name in self._seats:
            raise ConflictError("a server of this name is in the pool", subject=member.name)
        self._seats[member.name] = Seat(member)

    async def drain(self, name: str, seconds: float) -> None:
        """Give the member *name* no new calls, and return when those it has are over.

        Args:
            name: The member.
            seconds: How long to wait for them.

        Raises:
            MissingError: If there is none of that name.
            SlowError: If they are not over by then; it gets no new ones all the same.
        """
        seat = self._seat(name)
        seat.draining = True
        try:
            async with asyncio.timeout(seconds):
                while seat.running:
                    seat.idle.clear()
                    await seat.idle.wait()
        except TimeoutError as late:
            raise SlowError(
                f"{seat.running} calls were not over after {seconds:g} s",
                subject=name,
                hint="Drain it again, or remove it.",
            ) from late

    def resume(self, name: str) -> None:
        """Give the member *name* calls again; raises `MissingError` without it."""
        self._seat(name).draining = False

    def remove(self, name: str) -> None:
        """Know the member *name* no more; calls that it works on go on. Raises as `resume`."""
        self._seat(name)
        del self._seats[name]

    async def look(self) -> tuple[Sight, ...]:
        """Look at all members that were not looked at lately; return how all are."""
        await asyncio.gather(*self._looking())
        return self.sights()

    async def models(self) -> list[str]:
        """Return the names of the models that some member has which gets calls."""
        await self.look()
        if not any(each.well for each in self._seats.values()):
            raise self._nobody([])
        names = [name for each in self._seats.values() if each.well for name in each.models]
        return list(dict.fromkeys(names))

    def chat(self, asked: Chat) -> AsyncGenerator[Piece | Ending]:
        """Yield the answer to *asked* in pieces, and how it ended at last."""
        return self._stream(asked.model, lambda server: server.chat(asked))

    def complete(self, asked: Prompt) -> AsyncGenerator[Piece | Ending]:
        """Yield how a text goes on in pieces, and how it ended at last."""
        return self._stream(asked.model, lambda server: server.complete(asked))

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each of *texts*."""
        tried: list[str] = []
        while True:
            seat = await self._best(model, tried)
            try:
                return await seat.member.server.embed(model, texts)
            except (UnavailableError, MissingError) as failed:
                self._note(seat, failed)
            finally:
                seat.leave()

    async def _stream(
        self, model: str, ask: Callable[[Speaks], AsyncGenerator[Piece | Ending]]
    ) -> AsyncGenerator[Piece | Ending]:
        tried: list[str] = []
        while True:
            seat, begun = await self._best(model, tried), False
            try:
                async with aclosing(ask(seat.member.server)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            except (UnavailableError, MissingError) as failed:
                self._note(seat, failed)
                if begun:
                    raise
            else:
                return
            finally:
                seat.leave()

    async def _best(self, model: str, tried: list[str]) -> Seat:
        """Return the best member for *model* that was not *tried*, with a call more; note it.

        Raises:
            MissingError: If all that answer lack it.
            UnavailableError: If none is left that has it.
        """
        started = self._looking()
        if started:
            await asyncio.wait(started, timeout=LOOK_SECONDS)
        fit = self._fit(model, tried)
        if started and not fit:
            await asyncio.wait(started)
            fit = self._fit(model, tried)
        if not fit:
            raise self._lacking(model, tried)
        seat = min(fit, key=Seat.order)
        tried.append(seat.member.name)
        seat.running += 1
        return seat

    def _fit(self, model: str, tried: Sequence[str]) -> list[Seat]:
        left = [each for name, each in self._seats.items() if name not in tried]
        return [each for each in left if each.well and each.has(model)]

    def _stale(self, seat: Seat) -> bool:
        return self._clock.monotonic() >= seat.until

    def _looking(self) -> "list[asyncio.Task[None]]":
        stale = [each for each in self._seats.values() if self._stale(each)]
        looks = [asyncio.create_task(self._look(each)) for each in stale]
        for look in looks:
            self._looks.add(look)  # the loop itself holds it only weakly
            look.add_done_callback(self._looks.discard)
        return looks

    def _lacking(self, model: str, tried: Sequence[str]) -> BeastError:
        """Return why no member can be asked for *model*."""
        seats = self._seats.values()
        if seats and all(each.well and not each.has(model) for each in seats):
            return MissingError("no server of the pool has this model", subject=model)
        return self._nobody(tried)

    def _nobody(self, tried: Sequence[str]) -> UnavailableError:
        whys = [f"{name}: {each.lack()}" for name, each in self._seats.items()]
        words = f" after {', '.join(tried)}" if tried else ""
        return UnavailableError(
            f"no server of the pool can be asked{words} ({'; '.join(whys) or 'it has none'})",
            hint="See: ./beast health",
        )

    async def _look(self, seat: Seat) -> None:
        async with seat.looking:
            if not self._stale(seat):
                return
            try:
                seat.models, seat.why = tuple(await seat.member.server.models()), ""
            except BeastError as failed:
                self._note(seat, failed)
                return
            seat.until = self._clock.monotonic() + FRESH_SECONDS

    def _note(self, seat: Seat, failed: BaseException) -> None:
        """Pass *seat* over for a while because of what *failed*; one without a model is well."""
        now = self._clock.monotonic()
        if isinstance(failed, MissingError):
            seat.until = now
            return
        seat.why = str(failed)
        rest = failed.after if isinstance(failed, RestingError) and failed.after else AGAIN_SECONDS
        seat.until = now + rest

    def _seat(self, name: str) -> Seat:
        if name not in self._seats:
            raise MissingError("no server of this name is in the pool", subject=name)
        return self._seats[name]
