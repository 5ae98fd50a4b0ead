# SPDX-License-Identifier: Apache-2.0
"""The way from a folder down to what lies in it, and the ignore files one passes."""

import os
import stat

from .ignore import IGNORE_FILES, Rules, rules_of


class Named:
    """One name in a folder, seen as by `os.scandir`."""

    def __init__(self, path: str) -> None:
        """See what lies at the absolute *path*."""
        self.path, self.name = path, path.rpartition("/")[2]

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is a folder."""
        return stat.S_ISDIR(self.stat(follow_symlinks=follow_symlinks).st_mode)

    def is_symlink(self) -> bool:
        """Return whether it is a link."""
        return os.path.islink(self.path)  # noqa: PTH114 - names may be no valid text

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return what it is."""
        return os.stat(self.path, follow_symlinks=follow_symlinks)  # noqa: PTH116 - as above


class Way:
    """The ignore files from the folder *base* downwards, each read once."""

    def __init__(self, base: str) -> None:
        """Begin at the absolute path *base*."""
        self.base = base
        self._entered: dict[str, tuple[Rules | None, bool]] = {}

    def holds(self, path: str) -> bool:
        """Return whether *path* is the folder itself or lies in it, by its name."""
        return path == self.base or path.startswith(f"{self.base.rstrip('/')}/")

    def relative(self, path: str) -> str:
        """Return *path*, which lies in the folder, as seen from there."""
        return path[len(self.base.rstrip("/")) + 1 :]

    def rules(self, folder: str) -> Rules | None:
        """Return the rules in force in *folder*.

        Raises:
            OSError: If an ignore file on the way there cannot be read.
        """
        return self._enter(folder)[0] if self.holds(folder) else None

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Return whether ignore files name *path*, or a folder it lies in; raises as `rules`."""
        if not self.holds(path) or path == self.base:
            return False
        rules, ignored = self._enter(os.path.dirname(path))  # noqa: PTH120 - names may be no valid text
        return ignored or (rules is not None and rules.ignore(path, folder=folder))

    def _enter(self, folder: str) -> tuple[Rules | None, bool]:
        """Return the rules in force in *folder*, and whether it is ignored itself."""
        way = [folder]
        while way[-1] != self.base and way[-1] not in self._entered:
            way.append(os.path.dirname(way[-1]))  # noqa: PTH120 - names may be no valid text
        for here in reversed(way):
            if here in self._entered:
                continue
            rules, ignored = (None, False)
            if here != self.base:
                rules, ignored = self._entered[os.path.dirname(here)]  # noqa: PTH120 - as above
                ignored = ignored or (rules is not None and rules.ignore(here, folder=True))
            if not ignored:
                there = (name for name in IGNORE_FILES if os.path.lexists(f"{here}/{name}"))
                rules = rules_of(here, there, rules)
            self._entered[here] = rules, ignored
        return self._entered[folder]
