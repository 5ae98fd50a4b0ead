# SPDX-License-Identifier: Apache-2.0
"""Find documents: files, folders with all that is in them, patterns.

Left out of folders, unless asked for by name: hidden files and folders, folders that tools
fill, files that are no documents by their suffix, links to folders (they may lead in circles),
and the installation itself.
"""

import errno
import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .parse.formats import FOREIGN, suffix_of
from .sources import path_of

_GONE = frozenset({errno.ENOENT, errno.ELOOP})  # vanished, or a link that leads nowhere
LEADS_OUT = "a link that leads out of the folder"
INSTALLATION = "this belongs to the installation itself"
SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "lost+found"})


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A file: its absolute path, its size in bytes, when it was last written."""

    path: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Found:
    """What was found.

    Attributes:
        documents: The files, each once, in the order of the arguments and of their names.
        folders: Absolute folders among the arguments that were listed completely.
        problems: What could not be looked at, and why.
        skipped: How many files in folders were left out for their suffix.
    """

    documents: list[FoundDocument] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    skipped: int = 0


def find(paths: Sequence[str], exclude: Path, *, inside: bool = False) -> Found:
    """Return the documents that *paths* name.

    Args:
        paths: Files, folders and patterns (`**` reaches into folders), relative or absolute.
        exclude: A folder from which nothing is taken: the installation.
        inside: Whether links that lead out of a folder among *paths* are refused: those who may
            put files there may not be those who may read what the links lead to.
    """
    search = _Search(os.path.realpath(exclude), inside=inside)
    for path in paths:
        for each in _expanded(path):
            search.argument(os.path.abspath(each))  # noqa: PTH100 - resolve() follows links
    return search.found


def _expanded(path: str) -> list[str]:
    """Return what *path* stands for: itself if it exists or is no pattern."""
    path = os.path.expanduser(path)  # noqa: PTH111 - names may be no valid text
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path, recursive=True)) or [path]  # noqa: PTH207 - as above


def left_out(source: str, folder: str) -> bool:
    """Return whether `find` passes over *source* when it lists *folder*, as long as it exists.

    Such a document was asked for by name; that a folder's list lacks it does not mean that it
    is gone.

    Args:
        source: The name of a document in the folder, as `sources.uri` makes it.
        folder: The name of the folder, likewise.
    """
    inside = path_of(source)[len(path_of(folder).rstrip("/")) + 1 :]
    *folders, name = inside.split("/")
    hidden = any(each.startswith(".") for each in (*folders, name))
    return hidden or not SKIPPED_FOLDERS.isdisjoint(folders) or suffix_of(name) in FOREIGN


class _Search:
    def __init__(self, exclude: str, *, inside: bool) -> None:
        self.found = Found()
        self._exclude, self._inside = exclude, inside
        self._top = ""
        self._seen: set[str] = set()
        self._complete = True

    def argument(self, path: str) -> None:
        """Look at what the user named."""
        try:
            kind = os.stat(path)  # noqa: PTH116 - names may be no valid text
        except OSError as wrong:
            self._problem(path, _why(wrong))
            return
        if self._is_excluded(path):
            self._problem(path, INSTALLATION)
        elif not stat.S_ISDIR(kind.st_mode):
            self._file(path, kind)
        else:
            self._complete, self._top = True, os.path.realpath(path)
            self._folder(path)
            if self._complete:
                self.found.folders.append(path)

    def _folder(self, top: str) -> None:
        """Look at all in the folder *top*, without recursion: folders can be deep."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            inner: list[str] = []
            for entry in self._entries(folder):
                if entry.name.startswith("."):
                    continue
                if self._is_folder(entry):
                    if entry.name not in SKIPPED_FOLDERS and not self._is_excluded(entry.path):
                        inner.append(entry.path)
                else:
                    self._entry(entry)
            waiting.extend(reversed(inner))

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                yield from sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except OSError as wrong:
            self._complete = False
            self._problem(folder, _why(wrong))

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        try:
            return entry.is_dir(follow_symlinks=False)
        except OSError:
            return False

    def _entry(self, entry: os.DirEntry[str]) -> None:
        if suffix_of(entry.name) in FOREIGN:
            self.found.skipped += 1
            return
        try:
            kind = entry.stat()
        except OSError as wrong:
            if wrong.errno not in _GONE:
                self._complete = False  # it may be there as ever, so nothing of it may leave
            self._problem(entry.path, _why(wrong))
            return
        if entry.is_symlink():
            if stat.S_ISDIR(kind.st_mode):
                return
            if self._is_excluded(entry.path):
                self._problem(entry.path, INSTALLATION)
                return
            if self._inside and not within(os.path.realpath(entry.path), self._top):
                self._problem(entry.path, LEADS_OUT)
                return
        self._file(entry.path, kind)

    def _file(self, path: str, kind: os.stat_result) -> None:
        if path in self._seen:
            return
        self._seen.add(path)
        if stat.S_ISREG(kind.st_mode):
            document = FoundDocument(path, kind.st_size, kind.st_mtime_ns)
            self.found.documents.append(document)
        else:
            self._problem(
                path, f"not a file but {_KINDS.get(stat.S_IFMT(kind.st_mode), 'special')}"
            )

    def _is_excluded(self, path: str) -> bool:
        return within(os.path.realpath(path), self._exclude)

    def _problem(self, path: str, reason: str) -> None:
        self.found.problems.append((path, reason))


_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def within(path: str, folder: str) -> bool:
    """Return whether *path* is *folder* or lies in it, both free of links."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _why(wrong: OSError) -> str:
    return f"cannot read it: {(wrong.strerror or type(wrong).__name__).lower()}"
