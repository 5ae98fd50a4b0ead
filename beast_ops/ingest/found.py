# SPDX-License-Identifier: Apache-2.0
"""What was found, wherever it was looked for."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .sources import uri


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A file: its absolute path, its size in bytes, when it was last written.

    Attributes:
        inside: The folder, free of links, that it must not lead out of, if there is one.
    """

    path: str
    size: int
    mtime_ns: int
    inside: str = field(default="", kw_only=True)

    def source(self, host: str) -> str:
        """Return its name on *host*."""
        return uri(host, self.path)

    def suffix(self) -> str:
        """Return the suffix of files that are read as it is, if its name does not tell."""
        return ""

    def open(self) -> IO[bytes]:
        """Return its content, from the beginning.

        Raises:
            OSError: If it cannot be opened. It may have become something that blocks, on which
                this does not wait.
            DocumentError: If it leads out of where it has to be.
        """
        if self.inside:
            from .content import open_content

            return open_content(Path(self.path), self.path, self.inside)
        handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return os.fdopen(handle, "rb", buffering=0)


@dataclass(slots=True)
class Found:
    """What was found.

    Attributes:
        documents: The files, each once, in the order of the arguments and of their names.
        folders: Absolute folders among the arguments that were listed completely.
        problems: What could not be looked at, and why.
        skipped: How many files in folders were left out for their suffix.
        archives: Files that are archives, not looked into yet.
        gone: Files that somebody saw go.
        kept: Files that are not to be read now, but are not gone either.
    """

    documents: list[FoundDocument] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    skipped: int = 0
    archives: list[FoundDocument] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Take what *other* found, too."""
        for mine, new in (
            (self.documents, other.documents),
            (self.archives, other.archives),
        ):
            there = {each.path for each in mine}
            mine += [each for each in new if each.path not in there]
        self.folders += other.folders
        self.problems += other.problems
        self.skipped += other.skipped
        self.gone += other.gone
        self.kept += other.kept
