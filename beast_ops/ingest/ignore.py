# SPDX-License-Identifier: Apache-2.0
"""What is left out of folders: by patterns somebody gave, and by ignore files that lie in them.

Patterns are those of `.gitignore`, as git reads them. Ignore files count from the folder that is
looked through downwards, deeper ones over higher ones, `.beastignore` over a `.gitignore` beside
it.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from beast_ops.errors import UsageError

from .patterns import Patterns, compiled, pattern

IGNORE_FILES = (".gitignore", ".beastignore")  # the later counts more
IGNORE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of folders are wanted, by their paths relative to the folder.

    Attributes:
        include: If there are any, only what matches one of them.
        exclude: Nothing that matches one of these, whatever `include` says.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether it leaves out anything at all."""
        return bool(self.include or self.exclude)

    def takes(self, relative: str) -> bool:
        """Return whether the file at the path *relative* is wanted."""
        if self.exclude and compiled(self.exclude).name(relative):
            return False
        return not self.include or compiled(self.include).name(relative)

    def enters(self, relative: str) -> bool:
        """Return whether the folder at the path *relative* may hold what is wanted."""
        return not self.exclude or not compiled(self.exclude).says(relative, folder=True)

    def judged(self) -> "Selection":
        """Return itself if its patterns are patterns.

        Raises:
            UsageError: If one is not.
        """
        for each in (*self.include, *self.exclude):
            if pattern(each) is None:
                raise UsageError(
                    "this is no pattern as in .gitignore",
                    subject=each,
                    hint="Patterns look like *.log, drafts/ or /top/*.md.",
                )
        return self


EVERYTHING = Selection()


class Rules:
    """The ignore files in force in a folder: those of itself and of the folders above."""

    def __init__(self, folder: str, lines: Iterable[str], above: "Rules | None" = None) -> None:
        """Take the patterns *lines* of *folder*, which count more than those *above*."""
        own = (len(folder.rstrip("/")) + 1, Patterns(lines))
        self.layers: tuple[tuple[int, Patterns], ...] = (own, *(above.layers if above else ()))

    def ignore(self, path: str, *, folder: bool = False) -> bool:
        """Return whether the file, or *folder*, at the absolute *path* is to be left out.

        The folders it lies in are for others to look at.
        """
        for skip, patterns in self.layers:
            said = patterns.says(path[skip:], folder=folder)
            if said is not None:
                return said
        return False


def rules_of(folder: str, names: Iterable[str], above: Rules | None) -> Rules | None:
    """Return the rules in force in *folder*, whose files are called *names*.

    Args:
        folder: An absolute path.
        names: The names of all in it.
        above: The rules in force in the folder above.

    Raises:
        OSError: If one of its ignore files cannot be read: nobody knows then what to leave out.
    """
    there = set(IGNORE_FILES).intersection(names)
    if not there:
        return above
    lines: list[str] = []
    for name in IGNORE_FILES:
        if name in there:
            lines += _lines(os.path.join(folder, name))  # noqa: PTH118 - names may be no valid text
    return Rules(folder, lines, above)


def _lines(path: str) -> list[str]:
    """Return the lines of the ignore file at *path*, without waiting for what is no file."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        kind = os.fstat(handle)
        if not stat.S_ISREG(kind.st_mode) or kind.st_size > IGNORE_BYTES:
            raise OSError(0, "no ignore file of a sensible size")
        return os.fsdecode(file.read(IGNORE_BYTES)).splitlines()
