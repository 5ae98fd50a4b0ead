# SPDX-License-Identifier: Apache-2.0
"""The words of watching."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol


class Kind(StrEnum):
    """What happened to a file."""

    CREATED = "created"
    MODIFIED = "modified"
    DELETED = "deleted"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one file; `before` is where it was if it moved."""

    kind: Kind
    path: str
    before: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return (
            f"{self.kind} {self.before} -> {self.path}"
            if self.before
            else f"{self.kind} {self.path}"
        )


class Signature(NamedTuple):
    """By what a file is known: another one is another file, or another content."""

    device: int
    inode: int
    size: int
    mtime_ns: int


def signature(path: str) -> Signature | None:
    """Return the signature of the file at *path*, or `None` if there is nothing."""
    try:
        kind = os.stat(path)  # noqa: PTH116 - names may be no valid text
    except OSError:
        return None
    return Signature(kind.st_dev, kind.st_ino, kind.st_size, kind.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look came to.

    Attributes:
        files: The files that count, by their absolute paths.
        blind: Files and folders that could not be looked at: all below may be as it was.
    """

    files: Mapping[str, Signature] = field(default_factory=dict)
    blind: tuple[str, ...] = ()


class View(Protocol):
    """Decides which files of a folder count."""

    def look(self, folder: str, path: str) -> Sight:
        """Return the files that count at *path* or below; it is the watched *folder* or in it."""
        ...

    def reach(self, path: str) -> str:
        """Return what has to be looked at again because *path* changed."""
        ...


def outermost(paths: set[str]) -> set[str]:
    """Return those of *paths* that lie in no other of them."""
    return {path for path in paths if not is_in(path, paths)}


def is_in(path: str, folders: set[str]) -> bool:
    """Return whether *path* lies in one of *folders*, however deep."""
    above = os.path.dirname(path)  # noqa: PTH120 - names may be no valid text
    while above != path:
        if above in folders:
            return True
        path, above = above, os.path.dirname(above)  # noqa: PTH120 - as above
    return False
