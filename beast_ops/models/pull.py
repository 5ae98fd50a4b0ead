# SPDX-License-Identifier: Apache-2.0
"""Fetch one model: try again while it gets on, and only if there is room for it.

What was fetched so far is kept by the server, so trying again goes on where it stopped.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import (
    LeaseLostError,
    RestingError,
    ServiceError,
    TransientError,
    UnavailableError,
)
from beast_ops.llm.calls import SERVICE
from beast_ops.llm.listing import Step
from beast_ops.llm.ollama_server import PULLING, at

from .room import Free, Room

ATTEMPTS = 3
DEADLINE_SECONDS = PULLING.whole
STEP_PERCENT = 10

Say = Callable[[str], None]
Hear = Callable[[Step], None]
"""Takes one step; what it raises ends the transfer."""


def pull(url: str, name: str, say: Say, clock: Clock = SYSTEM, free: Free | None = None) -> None:
    """Fetch the model *name* to the server at *url*, and try again while it gets on.

    Args:
        url: Where the model server is.
        name: The model.
        say: Takes one line of progress.
        clock: Where time comes from.
        free: Tells how many bytes are free where the server keeps its models, if that is known.

    Raises:
        UnavailableError: If the server falls silent, or time is up.
        ServiceError: If it cannot fetch the model.
        MissingError: If there is no model of that name.
        PreflightError: If there is no room for it.
    """
    fetch(url, name, _Progress(name, say).take, clock, free)


def fetch(url: str, name: str, hear: Hear, clock: Clock = SYSTEM, free: Free | None = None) -> None:
    """Do what `pull` does, and hand every step to *hear*, in an event loop of its own.

    Raises:
        UnavailableError: If the server falls silent, or time is up.
    """
    room = Room(name, free)
    room.require()
    end = clock.monotonic() + DEADLINE_SECONDS

    def listen(step: Step) -> None:
        if clock.monotonic() > end:
            hours = DEADLINE_SECONDS / 3600
            raise UnavailableError(f"{name} was not here after {hours:g} h", subject=SERVICE)
        hear(step)
        room.check(step)

    asyncio.run(_attempts(url, name, listen))


async def _attempts(url: str, name: str, hear: Hear) -> None:
    import stamina

    async with at(url) as server:
        async for attempt in stamina.retry_context(
            on=_passes, attempts=ATTEMPTS, timeout=DEADLINE_SECONDS
        ):
            with attempt:
                if attempt.num > 1:
                    hear(Step("", attempt=attempt.num))
                async with aclosing(server.pull(name)) as steps:
                    async for step in steps:
                        hear(step)


def _passes(failed: Exception) -> bool:
    """Return whether it is worth trying again after *failed*."""
    # Somebody else goes on; or nobody asks that server for a while.
    over = isinstance(failed, (LeaseLostError, RestingError))
    return isinstance(failed, (TransientError, ServiceError)) and not over


class _Progress:
    """Says how far a model is, each time another `STEP_PERCENT` of a layer is here."""

    def __init__(self, name: str, say: Say) -> None:
        self.name, self._say = name, say
        self._said = ""

    def take(self, step: Step) -> None:
        """Take one step."""
        if step.attempt:
            again = f"({step.attempt} of {ATTEMPTS})"
            self._say(f"{self.name}: going on where it stopped {again}")
            return
        text = step.status
        if step.total:
            percent = step.completed * 100 // step.total // STEP_PERCENT * STEP_PERCENT
            text = f"{text} {percent} % of {step.total / 1e9:.1f} GB"
        if text != self._said:
            self._say(f"{self.name}: {text}")
            self._said = text
