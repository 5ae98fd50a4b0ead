# SPDX-License-Identifier: Apache-2.0
"""Gather documents from everywhere a client can reach: its files, its standard input."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from beast_ops.errors import UsageError

from .find import Manner, find
from .found import Found
from .ignore import EVERYTHING, Selection
from .piped import MARK, piped


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look, and for what.

    Attributes:
        paths: Files, folders and globs; `-` is what comes through `stream`.
        selection: Which files of folders are wanted.
        name: What the document that comes through `stream` is called.
        stream: Standard input, unless told otherwise.
    """

    paths: Sequence[str]
    selection: Selection = EVERYTHING
    name: str = ""
    stream: IO[bytes] | None = field(default=None, compare=False)


@contextmanager
def gathered(sources: Sources, exclude: Path) -> Iterator[Found]:
    """Return what *sources* come to, but nothing in the folder *exclude*.

    What it took to get hold of it is kept until this is left.

    Raises:
        UsageError: If it cannot be meant so.
    """
    files = [path for path in sources.paths if path != MARK]
    if sources.name and len(files) == len(sources.paths):
        raise UsageError("--name is for what is piped in", hint="./beast ingest - --name notes.md")
    manner = Manner(selection=sources.selection.judged())
    with ExitStack() as kept:
        found = find(files, exclude, manner)
        if len(files) < len(sources.paths):
            stream = sources.stream or sys.stdin.buffer
            found.documents.append(kept.enter_context(piped(stream, sources.name)))
        yield found
