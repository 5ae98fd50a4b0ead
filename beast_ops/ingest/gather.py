# SPDX-License-Identifier: Apache-2.0
"""Gather documents from everywhere a client can reach: its files, its standard input."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from beast_ops.errors import DocumentError, UsageError

from .archive import Archive
from .find import Manner, find
from .found import Found
from .ignore import EVERYTHING, Selection
from .notes import Notes, cache_folder
from .piped import STANDARD_INPUT, piped
from .sources import MARK


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look, and for what.

    Attributes:
        paths: Files, folders and globs; `-` is what comes through `stream`.
        selection: Which files of folders are wanted.
        archives: Whether archives in folders are looked into, too.
        name: What the document that comes through `stream` is called.
        stream: Standard input, unless told otherwise.
    """

    paths: Sequence[str]
    selection: Selection = EVERYTHING
    archives: bool = False
    name: str = ""
    stream: IO[bytes] | None = field(default=None, compare=False)


@contextmanager
def gathered(sources: Sources, exclude: Path) -> Iterator[Found]:
    """Return what *sources* come to, but nothing in the folder *exclude*.

    What it took to get hold of it is kept until this is left.

    Raises:
        UsageError: If it cannot be meant so.
    """
    files = [path for path in sources.paths if path != STANDARD_INPUT]
    if sources.name and len(files) == len(sources.paths):
        raise UsageError("--name is for what is piped in", hint="./beast ingest - --name notes.md")
    manner = Manner(selection=sources.selection.judged(), archives=sources.archives)
    with ExitStack() as kept:
        found = find(files, exclude, manner)
        look_into(found, sources.selection)
        if len(files) < len(sources.paths):
            stream = sources.stream or sys.stdin.buffer
            found.documents.append(kept.enter_context(piped(stream, sources.name)))
        yield found


def look_into(found: Found, selection: Selection) -> None:
    """Add to *found* what is in its archives, each of which is a folder of its own."""
    notes = Notes(cache_folder())
    for file in found.archives:
        try:
            members, problems = Archive(file, notes).members(selection)
        except DocumentError as wrong:
            found.problems.append((file.path, str(wrong)))
        except OSError as wrong:
            found.problems.append((file.path, f"cannot read it: {wrong.strerror}"))
        else:
            found.documents += members
            found.problems += problems
            found.folders.append(f"{file.path}{MARK}")
