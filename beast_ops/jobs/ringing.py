# SPDX-License-Identifier: Apache-2.0
"""The job table of a process that wakes workers when it has put something into it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beast_ops import valkey
from beast_ops.clock import SYSTEM, Clock

from . import statements as to
from .model import Priority
from .table import LONGEST_PAUSE_SECONDS, LONGEST_SECONDS, JobTable

Ring = Callable[[str], None]
"""Takes the kind of a job that can run from now on; never waits, never fails."""


def silence(_: str) -> None:
    """Wake nobody: workers look by themselves."""


class RingingTable(JobTable):
    """A job table that rings once something is written down that can run."""

    def __init__(self, path: Path, ring: Ring, clock: Clock = SYSTEM) -> None:
        """Open the table in the file *path*, making it if it is missing.

        Args:
            path: The file.
            ring: Told of what can run.
            clock: What time it is.
        """
        super().__init__(path, clock)
        self._ring = ring

    def add(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        held: bool = False,
        job_id: str = "",
        priority: Priority = Priority.NORMAL,
    ) -> str:
        """Add a job; see `JobTable.add`."""
        added = super().add(kind, payload, held=held, job_id=job_id, priority=priority)
        if not held:
            self._ring(kind)
        return added

    def release(self, job_id: str) -> None:
        """Let a held job run; see `JobTable.release`."""
        super().release(job_id)
        self._ring(self.get(job_id).kind)

    def retry(self, job_id: str) -> None:
        """Let a job be tried again; see `JobTable.retry`."""
        super().retry(job_id)
        self._ring(self.get(job_id).kind)

    def reconcile(self) -> None:
        """Ring for all that could run and does not, such as what a killed worker held.

        A bell may have been lost with Valkey, or heard by one who was killed.
        """
        now = self._now()
        times = {"now": now, "latest": now + LONGEST_PAUSE_SECONDS, "never": now + LONGEST_SECONDS}
        with self._database.reading() as table:
            kinds = list(table.execute(to.IDLE, times).scalars())
        for kind in kinds:
            self._ring(kind)


@contextmanager
def ringing(through: valkey.Valkey | None) -> Iterator[Ring]:
    """Yield what wakes workers *through* Valkey, or nobody if there is none."""
    if through is None:
        yield silence
        return
    from .bell import Ringer

    with Ringer(through) as ring:
        yield ring
