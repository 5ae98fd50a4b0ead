# SPDX-License-Identifier: Apache-2.0
"""Room on the disk for a model: a full disk harms all that shares it, and ends no transfer.

A server tells how large a layer is before a byte of it comes, and the weights are the first one:
a model that does not fit is left before it begins to come.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from beast_ops.cards import Services
from beast_ops.errors import PreflightError
from beast_ops.llm.listing import Step

RESERVE = 2 * 1024**3  # what databases and logs beside it may need meanwhile

Free = Callable[[], int]
"""Tells how many bytes are free where the server keeps its models."""


def free_in(folder: Path) -> Free | None:
    """Return what tells the free bytes of *folder*; nothing if that is not on this host."""
    return (lambda: shutil.disk_usage(folder).free) if folder.is_dir() else None


def beside(services: Services) -> bool:
    """Return whether a model server of *services* keeps its models on the disk of our data."""
    return any(
        each.contained and any(part.how == "models" for part in each.state) for each in services
    )


class Room:
    """Watches that what comes fits."""

    def __init__(self, name: str, free: Free | None) -> None:
        """Watch over the model *name*; where nobody knows what is *free*, all fits."""
        self._name, self._free = name, free
        self._seen: set[str] = set()

    def check(self, step: Step) -> None:
        """Return if *step* is no layer that begins, or one that fits.

        Raises:
            PreflightError: If it does not fit.
        """
        if step.total and step.digest not in self._seen:
            self._seen.add(step.digest)
            self.require(step.total - step.completed)

    def require(self, more: int = 0) -> None:
        """Return if *more* bytes fit, and the reserve is left.

        Raises:
            PreflightError: If they do not.
        """
        if self._free is None:
            return
        free = self._free()
        if free < more + RESERVE:
            raise PreflightError(
                f"there is no room for the model: it needs {(more + RESERVE) / 1e9:.1f} GB"
                f" with what has to stay free, and {free / 1e9:.1f} GB are",
                subject=self._name,
                hint="Delete a model that is not needed (./beast models.list shows their sizes),"
                " or choose a smaller one.",
            )
