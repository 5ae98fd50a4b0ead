# SPDX-License-Identifier: Apache-2.0
"""The worker: takes one job after the other and shows that it is alive."""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import FAILURES
from beast_ops.errors import BeastError, LeaseLostError

from .model import Job
from .table import LEASE_SECONDS, JobTable

HEARTBEAT_SECONDS = 5.0
LOOK_SECONDS = 0.2
ASK_SECONDS = 1.0
TROUBLE_SECONDS = 5.0
SWEEP_SECONDS = 600.0

log = logging.getLogger(__name__)


class CancelledError(Exception):
    """Somebody cancelled the job."""


class StoppingError(Exception):
    """The worker is asked to end; the job goes back."""


class OutrankedError(StoppingError):
    """A job of a higher priority waits for this worker; the one at hand goes back."""


class Grip:
    """What a handler holds while it runs a job: its lease, and a way to say how far it is.

    Attributes:
        job: The job.
        begun: When it was claimed, by the monotonic clock.
    """

    def __init__(
        self, table: JobTable, job: Job, stopping: threading.Event, clock: Clock = SYSTEM
    ) -> None:
        """Hold *job* of *table*, just claimed, until *stopping*."""
        self.job = job
        self._table, self._stopping, self._clock = table, stopping, clock
        self._renewed = self.begun = clock.monotonic()
        self._asked = False, self.begun
        self._lost = threading.Event()
        self._cancelled = threading.Event()

    def check(self) -> None:
        """Return if the handler may go on; call it before every write.

        Raises:
            LeaseLostError: If another worker has the job.
            CancelledError: If somebody cancelled it.
            StoppingError: If the worker is asked to end.
        """
        if self._clock.monotonic() - self._renewed > LEASE_SECONDS / 2:
            self.renew()  # the machine slept, or was so busy that no heartbeat came through
        if self._lost.is_set():
            raise LeaseLostError("another worker has this job now", subject=self.job.id)
        if self._cancelled.is_set():
            raise CancelledError
        if self._stopping.is_set():
            raise StoppingError

    def is_outranked(self) -> bool:
        """Return whether a job of a higher priority waits; asks once a second."""
        outranked, asked = self._asked
        if not outranked and self._clock.monotonic() - asked >= ASK_SECONDS:
            outranked = self._table.is_outranked(self.job)
            self._asked = outranked, self._clock.monotonic()
        return outranked

    def say(self, progress: Mapping[str, Any]) -> None:
        """Note how far the job is; raises as `check` does."""
        self.check()
        self._table.progress(self.job, progress)

    def renew(self) -> None:
        """Show a sign of life."""
        begun = self._clock.monotonic()
        try:
            if self._table.heartbeat(self.job):
                self._cancelled.set()
            self._renewed = begun
        except LeaseLostError:
            self._lost.set()


Handler = Callable[[Grip], Mapping[str, Any]]


class Worker:
    """Runs the jobs of a table, each with the handler of its kind."""

    def __init__(
        self,
        table: JobTable,
        handlers: Mapping[str, Handler],
        name: str,
        clock: Clock = SYSTEM,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        """Work on *table* as *name*.

        Args:
            table: Where the jobs stand.
            handlers: What runs them, by kind.
            name: How this worker is known.
            clock: What time it is.
            tidy: Called after each job, and now and then, to clear up after jobs that are gone.
        """
        self._table, self._handlers, self._name, self._clock = table, handlers, name, clock
        self._tidy = tidy
        self._stopping = threading.Event()
        self._grip: Grip | None = None
        self._swept = float("-inf")

    def stop(self) -> None:
        """End soon: the job at hand goes back. May be called by a signal handler."""
        self._stopping.set()

    def run(self, ready: Callable[[], bool] = lambda: True) -> None:
        """Work until told to stop, first on what a killed process of this name left behind.

        Args:
            ready: Whether to begin; signs of life come meanwhile.
        """
        beat = threading.Thread(target=self._beat, daemon=True, name="heartbeat")
        beat.start()
        while not ready() and not self._stopping.is_set():
            self._stopping.wait(LOOK_SECONDS)
        fresh = True
        while not self._stopping.is_set():
            try:
                if fresh:
                    self._table.reclaim(self._name)
                    fresh = False
                self._sweep()
                busy = self.run_one()
            except (OSError, *FAILURES):
                # A full disk, most likely: jobs wait until there is room again.
                log.exception("cannot work now")
                busy = not self._stopping.wait(TROUBLE_SECONDS)
            if not busy:
                self._stopping.wait(LOOK_SECONDS)
        beat.join(TROUBLE_SECONDS)
        with suppress(OSError, *FAILURES):
            self._table.retire(self._name)

    def _sweep(self) -> None:
        if self._clock.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = self._clock.monotonic()
            self._table.sweep()
            self._tidy()

    def run_one(self) -> bool:
        """Run the next job, if there is one; return whether there was."""
        job = self._table.claim(self._name)
        if job is None:
            return False
        self._grip = Grip(self._table, job, self._stopping, self._clock)
        try:
            self._run(self._grip)
        except LeaseLostError as lost:
            log.warning("%s", lost.paragraph())
        finally:
            self._grip = None
        self._tidy()
        return True

    def _run(self, grip: Grip) -> None:
        job = grip.job
        log.info("job %s (%s), attempt %d", job.id, job.kind, job.token)
        handler = self._handlers.get(job.kind)
        if handler is None:
            self._table.fail(job, f"this worker knows no jobs of the kind {job.kind!r}")
            return
        try:
            result = handler(grip)
        except StoppingError:  # of this worker, or for a job that comes first
            self._table.give_back(job)
        except CancelledError:
            self._table.stop(job)
        except LeaseLostError:
            raise
        except BeastError as failed:
            self._table.fail(job, failed.paragraph())
        except OSError as failed:
            log.exception("job %s failed", job.id)
            self._table.fail(job, f"the worker cannot keep its data: {failed}")
        except Exception:
            log.exception("job %s failed", job.id)
            self._table.fail(job, "the worker made a mistake; its log says more")
        else:
            self._table.finish(job, result)

    def _beat(self) -> None:
        while True:
            grip = self._grip
            # A full disk must not end the sign of life of a worker that could go on.
            with suppress(OSError, *FAILURES):
                self._table.report(self._name)
                if grip is not None:
                    grip.renew()
            if self._stopping.wait(HEARTBEAT_SECONDS):
                return
