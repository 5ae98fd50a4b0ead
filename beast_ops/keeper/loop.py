# SPDX-License-Identifier: Apache-2.0
"""Look once a minute what is due, and run it; one run at a time."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from beast_ops import receipts
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BusyError
from beast_ops.place import Place

from . import state
from .child import Child, command, environment
from .due import Attempt, Outcome, Run, due
from .settings import KeeperSettings

# A host that starts, and a deploy that proves itself, are left alone at first.
SETTLE_SECONDS = 600.0
LOOK_SECONDS = 60.0
TICK_SECONDS = 0.5
DEADLINE_SECONDS = {"backup": 6 * 3600.0, "drill": 6 * 3600.0}

LOG = logging.getLogger("beast.keeper")

Start = Callable[[Run], Child]
Tell = Callable[[str], object]


@dataclass(slots=True)
class _Under:
    """A run under way."""

    run: Run
    child: Child
    begun: float


class Keeper:
    """The keeper of one installation."""

    def __init__(
        self,
        place: Place,
        settings: KeeperSettings,
        clock: Clock = SYSTEM,
        start: Start | None = None,
        tell: Tell = lambda _: None,
    ) -> None:
        """Keep the installation at *place*.

        Args:
            place: The installation.
            settings: What is due when.
            clock: What time it is.
            start: Starts a run; by default the verb of its kind.
            tell: Takes the name of an event when a run begins, and when it ends.
        """
        self._place, self._settings, self._clock, self._tell = place, settings, clock, tell
        self._start = start or self._verb
        self._stopping = False
        self._under: _Under | None = None
        before = state.read(place.run)
        self._attempts = dict(before.attempts) if before else {}
        self._started = clock.monotonic()
        self._looked = float("-inf")

    def stop(self) -> None:
        """End at once, with what runs. May be called by a signal handler."""
        # No `threading.Event`: its lock may be held by the very code that the signal interrupts.
        self._stopping = True

    def run(self) -> None:
        """Keep until told to stop."""
        try:
            while not self._stopping:
                self.tick()
                time.sleep(TICK_SECONDS)
        finally:
            if self._under is not None:
                LOG.info("%s is ended, and made later", self._under.run.kind)
                self._under.child.end()

    def tick(self) -> None:
        """Do what there is to do now."""
        if self._under is not None:
            self._attend(self._under)
        if self._clock.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = self._clock.monotonic()
        try:
            self._look()
            self._note()
        except (OSError, ValueError, TypeError):
            LOG.exception("cannot look now")  # a full disk, most likely, or a receipt of others

    def _look(self) -> None:
        settled = self._clock.monotonic() - self._started >= SETTLE_SECONDS
        if self._under is not None or not settled:
            return
        done = receipts.milestones(self._place.receipts)
        run = due(self._clock.now(), self._settings, done, self._attempts)
        if run is None:
            return
        LOG.info("%s begins, due since %s", run.kind, run.slot.astimezone().isoformat())
        try:
            self._under = _Under(run, self._start(run), self._clock.monotonic())
        except OSError:
            LOG.exception("%s cannot be started", run.kind)
            self._remember(run, "failed")
        else:
            self._tell(f"{run.kind}.running")

    def _attend(self, under: _Under) -> None:
        """See whether *under* has ended, or takes too long."""
        code = under.child.code()
        if code is None:
            if self._clock.monotonic() - under.begun < DEADLINE_SECONDS[under.run.kind]:
                return
            LOG.error("%s takes too long and is ended", under.run.kind)
            under.child.end()
            code = -1
        self._under = None
        outcome: Outcome = "busy" if code == BusyError.exit_code else "failed" if code else "done"
        LOG.log(logging.INFO if not code else logging.WARNING, "%s: %s", under.run.kind, outcome)
        self._remember(under.run, outcome)
        self._tell(f"{under.run.kind}.{'done' if outcome == 'done' else 'failed'}")
        self._looked = float("-inf")  # written down at once

    def _remember(self, run: Run, outcome: Outcome) -> None:
        last = self._attempts.get(run.kind)
        before = last.failures if last is not None and last.slot == run.slot else 0
        failures = {"done": 0, "busy": before, "failed": before + 1}[outcome]
        self._attempts[run.kind] = Attempt(run.slot, self._clock.now(), outcome, failures)

    def _note(self) -> None:
        running = self._under.run.kind if self._under else None
        seen = state.State(self._clock.now(), running, self._attempts)
        state.write(self._place.run, seen)

    def _verb(self, run: Run) -> Child:
        return Child(command(run.kind, self._settings), environment(self._place.root))
