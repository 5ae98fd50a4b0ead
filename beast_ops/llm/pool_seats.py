# SPDX-License-Identifier: Apache-2.0
"""The servers of a pool, and what is known of each."""

import asyncio
from dataclasses import dataclass, field

from .listing import full
from .talk import Speaks


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a pool.

    Attributes:
        name: What it is called.
        server: Asks it.
        rank: Those with a lower one are preferred.
        at_once: Calls that it works on at the same time; more only wait there.
    """

    name: str
    server: Speaks
    rank: int = 0
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Sight:
    """How a member is at one moment.

    Attributes:
        name: What it is called.
        models: What it had when it was last looked at.
        well: Whether it answered then, and all calls since.
        running: Calls of ours that it works on, or that wait there.
        draining: Whether it gets no new ones.
        why: What was wrong, if something was.
    """

    name: str
    models: tuple[str, ...]
    well: bool
    running: int
    draining: bool
    why: str = ""


@dataclass(slots=True)
class Seat:
    """A member, and what is known of it."""

    member: Member
    models: tuple[str, ...] = ()
    why: str = ""
    until: float = float("-inf")
    running: int = 0
    draining: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def order(self) -> tuple[bool, int, float]:
        """Return what the best member has the least of."""
        load = self.running / self.member.at_once
        return (load >= 1, self.member.rank if load < 1 else 0, load)

    @property
    def well(self) -> bool:
        """Whether it gets calls."""
        return not self.why and not self.draining

    def has(self, model: str) -> bool:
        """Return whether it has *model*, as far as is known."""
        return full(model) in {full(name) for name in self.models}

    def lack(self) -> str:
        """Return why it gets no calls."""
        return self.why or ("it is taken out" if self.draining else "it does not have the model")

    def sight(self) -> Sight:
        """Return how it is."""
        return Sight(
            self.member.name, self.models, not self.why, self.running, self.draining, self.why
        )

    def leave(self) -> None:
        """Note that a call of it is over."""
        self.running -= 1
        if not self.running:
            self.idle.set()
