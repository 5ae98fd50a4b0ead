# SPDX-License-Identifier: Apache-2.0
"""What a glob stands for: nothing that the list of a folder would leave out, either."""

import glob
import os

from .ignore import Rules, Selection
from .parse.formats import suffix_of
from .way import Way


def is_glob(path: str) -> bool:
    """Return whether *path* is a glob, and not the name of something that looks like one."""
    return glob.has_magic(path) and not os.path.lexists(path)


class Glob:
    """One glob, and the ignore files from its fixed beginning downwards."""

    def __init__(self, pattern: str, skipped: frozenset[str], foreign: frozenset[str]) -> None:
        """Take *pattern*.

        Args:
            pattern: As a shell has it; `**` reaches into folders, but into no hidden ones.
            skipped: Names of folders that are passed over unless the pattern spells them.
            foreign: Suffixes of files that are passed over unless the pattern ends so.
        """
        self._pattern = pattern
        self._skipped = skipped.difference(pattern.split("/"))
        self._foreign = foreign - {suffix_of(pattern)}
        self._way = Way(os.path.abspath(_fixed(pattern)))  # noqa: PTH100 - resolve() follows links

    def paths(self) -> list[str]:
        """Return the absolute paths of all that matches, in order."""
        names = sorted(glob.glob(self._pattern, recursive=True))  # noqa: PTH207 - as below
        return [os.path.abspath(name) for name in names]  # noqa: PTH100 - resolve() follows links

    def rules(self, folder: str) -> Rules | None:
        """Return the rules in force in *folder*; raises `OSError` as `Way.rules` does."""
        return self._way.rules(folder)

    def leaves_out(self, path: str, selection: Selection, *, folder: bool) -> bool:
        """Return whether what matches at *path* is not meant; raises as `rules` does.

        Args:
            path: The absolute path of a file, or of a *folder*.
            selection: Which files are wanted, by their paths relative to the fixed beginning.
            folder: Whether it is a folder.
        """
        relative = self._way.relative(path) if self._way.holds(path) else path
        *above, name = relative.split("/")
        if not self._skipped.isdisjoint([*above, name] if folder else above):
            return True
        if not folder and (suffix_of(name) in self._foreign or not selection.takes(relative)):
            return True
        return self._way.ignores(path, folder=folder)


def _fixed(pattern: str) -> str:
    """Return the folder at the beginning of *pattern* in which nothing is left to chance."""
    parts = pattern.split("/")
    fixed = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:fixed]) or ("/" if pattern.startswith("/") else ".")
