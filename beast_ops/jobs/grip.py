# SPDX-License-Identifier: Apache-2.0
"""What a handler holds while it runs a job, and what it is told by exceptions."""

import threading
from collections.abc import Mapping
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import LeaseLostError

from .model import Job
from .table import LEASE_SECONDS, JobTable

ASK_SECONDS = 1.0


class CancelledError(Exception):
    """Somebody cancelled the job."""


class StoppingError(Exception):
    """The worker is asked to end; the job goes back."""


class OutrankedError(StoppingError):
    """A job of a higher priority waits for this worker; the one at hand goes back."""


class TimeUpError(Exception):
    """The job has taken longer than its kind may."""


class Grip:
    """What a handler holds while it runs a job: its lease, and a way to say how far it is.

    Attributes:
        job: The job.
        begun: When it was claimed, by the monotonic clock.
        seconds: How long it may take.
    """

    def __init__(
        self, table: JobTable, job: Job, stopping: threading.Event, clock: Clock = SYSTEM
    ) -> None:
        """Hold *job* of *table*, just claimed, until *stopping*."""
        self.job = job
        self._table, self._stopping, self._clock = table, stopping, clock
        self._renewed = self.begun = clock.monotonic()
        self._asked = False, self.begun
        self.seconds = float("inf")
        self._lost = threading.Event()
        self._cancelled = threading.Event()

    def check(self) -> None:
        """Return if the handler may go on; call it before every write.

        Raises:
            LeaseLostError: If another worker has the job.
            CancelledError: If somebody cancelled it.
            StoppingError: If the worker is asked to end.
            TimeUpError: If it takes too long.
        """
        if self._clock.monotonic() - self._renewed > LEASE_SECONDS / 2:
            self.renew()  # the machine slept, or was so busy that no heartbeat came through
        if self._lost.is_set():
            raise LeaseLostError("another worker has this job now", subject=self.job.id)
        if self._cancelled.is_set():
            raise CancelledError
        if self._stopping.is_set():
            raise StoppingError
        if self.taken > self.seconds:
            raise TimeUpError

    @property
    def taken(self) -> float:
        """Seconds since this attempt began."""
        return self._clock.monotonic() - self.begun

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

    def log(self, line: str) -> None:
        """Keep *line* for whoever looks at the job's log; raises as `check` does."""
        self.check()
        self._table.say(self.job, line)

    def renew(self) -> None:
        """Show a sign of life."""
        begun = self._clock.monotonic()
        try:
            if self._table.heartbeat(self.job):
                self._cancelled.set()
            self._renewed = begun
        except LeaseLostError:
            self._lost.set()
