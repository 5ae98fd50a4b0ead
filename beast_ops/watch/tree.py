# SPDX-License-Identifier: Apache-2.0
"""The plain view of a folder: all files in it, but for patterns."""

import os
from collections.abc import Sequence

from beast_ops.ingest.ignore import Selection

from .model import Sight, Signature, signature

PASSING = ("*.tmp", "*.swp", "*.lock", ".DS_Store", "*.pyc")


class Tree:
    """All files of a folder; links to folders are not followed."""

    def __init__(self, include: Sequence[str] = (), ignore: Sequence[str] = PASSING) -> None:
        """See what matches one of *include*, if there are any, and nothing that matches *ignore*.

        Args:
            include: Patterns as in `.gitignore`, relative to the watched folder.
            ignore: Likewise.

        Raises:
            UsageError: If one is no pattern.
        """
        self._selection = Selection(tuple(include), tuple(ignore)).judged()

    def look(self, folder: str, path: str) -> Sight:
        """Return the files that count at *path* or below."""
        files: dict[str, Signature] = {}
        blind: list[str] = []
        skip = len(folder.rstrip("/")) + 1
        waiting = [path]
        while waiting:
            here = waiting.pop()
            relative = here[skip:]
            try:
                if os.path.isdir(here) and not os.path.islink(here):  # noqa: PTH112, PTH114 - names may be no valid text
                    if not relative or self._selection.enters(relative):
                        waiting += [os.path.join(here, name) for name in os.listdir(here)]  # noqa: PTH118, PTH208 - as above
                elif self._selection.takes(relative) and (found := signature(here)):
                    files[here] = found
            except FileNotFoundError:
                continue
            except OSError:
                blind.append(here)
        return Sight(files, tuple(blind))

    def reach(self, path: str) -> str:
        """Return *path* itself: no file of a plain tree says anything of others."""
        return path
