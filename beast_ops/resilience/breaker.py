# SPDX-License-Identifier: Apache-2.0
"""A circuit breaker: a service that fails again and again is left alone, then probed.

Counting and the three states are purgatory's. Ours is what it leaves open: how long the rest
lasts is measured by a clock that nobody sets, a service is probed by one call at a time and has
to pass more than one, calls that began in another state say nothing about this one, and calls
that were given up say nothing at all.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import RestingError

from .policy import Policy

if TYPE_CHECKING:
    from purgatory.domain.model import Context

CLOSED, OPEN, HALF_OPEN = "closed", "opened", "half-opened"  # purgatory's words
ENDLESS = float("inf")


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to call, given while the breaker was in its state number `era`."""

    era: int


class Breaker:
    """Decides who may call one service; for all threads and event loops of the process.

    Attributes:
        opened: How often it was opened.
    """

    def __init__(self, name: str, policy: Policy, clock: Clock = SYSTEM) -> None:
        """Let everybody call *name* until it fails as often as *policy* says."""
        self._name, self._policy, self._clock = name, policy, clock
        self._lock = threading.Lock()
        self._circuit = self._in_state(CLOSED)
        self._era = self._good = self.opened = 0
        self._probing = False
        self._since = 0.0

    @property
    def state(self) -> str:
        """Which of the three states it is in, as calls left it."""
        return self._circuit.state

    def admit(self) -> Permit:
        """Return the right to call once; it has to be given back by one of the three below.

        Raises:
            RestingError: If the service is left alone, or somebody else probes it just now.
        """
        with self._lock:
            if self._circuit.state == OPEN:
                self._rest()
            if self._circuit.state == HALF_OPEN:
                if self._probing:
                    raise self._refusal(None)
                self._probing = True
            return Permit(self._era)

    def check(self, permit: Permit) -> None:
        """Return if *permit* still holds after a wait.

        Raises:
            RestingError: If the service failed for others in the meantime.
        """
        with self._lock:
            if permit.era != self._era and self._circuit.state != CLOSED:
                raise self._refusal(None)

    def succeed(self, permit: Permit) -> None:
        """Note that the call of *permit* was answered."""
        with self._lock:
            if permit.era != self._era:
                return
            if self._circuit.state == HALF_OPEN:
                self._probing = False
                self._good += 1
                if self._good < self._policy.successes:
                    return
            self._tell(self._circuit.handle_end_request)

    def fail(self, permit: Permit, failure: BaseException) -> None:
        """Note that the call of *permit* failed by *failure*."""
        with self._lock:
            if permit.era == self._era:
                self._tell(lambda: self._circuit.handle_exception(failure))

    def leave(self, permit: Permit) -> None:
        """Note that the call of *permit* was given up, which says nothing about the service."""
        with self._lock:
            if permit.era == self._era:
                self._probing = False

    def _tell(self, circuit: Callable[[], None]) -> None:
        """Let the *circuit* know; if that changes its state, another era begins."""
        before = self._circuit.state
        circuit()
        self._circuit.messages.clear()  # meant for its own bus; it would keep them for ever
        if self._circuit.state != before:
            self._begin(self._era + 1)
        if self._circuit.state == OPEN:
            self.opened += 1
            self._since = self._clock.monotonic()

    def _begin(self, era: int) -> None:
        self._era, self._good, self._probing = era, 0, False

    def _rest(self) -> None:
        """Return if the rest is over, with the circuit half open.

        Raises:
            RestingError: If it is not.
        """
        left = self._since + self._policy.rest - self._clock.monotonic()
        if left > 0:
            raise self._refusal(left)
        self._circuit = self._in_state(HALF_OPEN)
        self._begin(self._era + 1)

    def _in_state(self, state: str) -> "Context":
        from purgatory.domain.model import Context

        # Its own rest is by the wall clock, and so is never over.
        return Context(self._name, self._policy.failures, ENDLESS, state)  # type: ignore[arg-type] # a literal

    def _refusal(self, left: float | None) -> RestingError:
        return RestingError(
            f"{self._name} failed {self._policy.failures} times in a row, and is left alone for"
            f" {self._policy.rest:g} s"
            if left is not None
            else f"{self._name} failed just now, and is being tried",
            hint="See: ./beast health",
            after=left,
        )
