# SPDX-License-Identifier: Apache-2.0
"""Count ingestions as they end; the worker that runs them has no metrics of its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from beast_ops.jobs.model import ENDED

AT_ONCE = 200  # more do not end between two looks

Jobs = Callable[[int], Sequence[Mapping[str, object]]]


class Counted(Protocol):
    """What counts an ingestion that ended in a state."""

    def count_ingestion(self, state: str) -> None:
        """Count one."""
        ...


class Ingestions:
    """The ingestions that ended since this process began: a counter may start at nothing."""

    def __init__(self, jobs: Jobs, figures: Counted) -> None:
        """Count in *figures* what *jobs*, the newest ones, come to."""
        self._jobs, self._figures = jobs, figures
        self._ended: set[object] | None = None

    def look(self) -> None:
        """Count those that ended since the last look; the first only remembers."""
        ended = {job["job"]: str(job["state"]) for job in self._jobs(AT_ONCE)}
        ended = {name: state for name, state in ended.items() if state in ENDED}
        if self._ended is not None:
            for name, state in ended.items():
                if name not in self._ended:
                    self._figures.count_ingestion(state)
        self._ended = set(ended)
