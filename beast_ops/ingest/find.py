# SPDX-License-Identifier: Apache-2.0
"""Find documents: files, folders with all that is in them, globs.

Left out of folders, unless asked for by name: hidden files and folders, folders that tools
fill, files that are no documents by their suffix or will not stay, what ignore files name, links
to folders (they may lead in circles), and the installation itself.
"""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .found import Found, FoundDocument
from .globs import Glob, is_glob
from .ignore import EVERYTHING, Rules, Selection, rules_of
from .parse.formats import FOREIGN, suffix_of
from .sources import is_archive, path_of
from .way import Named, Way

_GONE = frozenset({errno.ENOENT, errno.ELOOP})  # vanished, or a link that leads nowhere
LEADS_OUT = "a link that leads out of the folder"
INSTALLATION = "this belongs to the installation itself"
SKIPPED_FOLDERS = frozenset(
    {"__pycache__", "node_modules", "site-packages", "lost+found", "__MACOSX"}
)
SKIPPED_SUFFIXES = FOREIGN | {".tmp", ".swp", ".lock"}  # the latter come and go


@dataclass(frozen=True, slots=True)
class Manner:
    """How to look.

    Attributes:
        inside: Whether links that lead out of a folder are refused: those who may put files
            there may not be those who may read what the links lead to.
        selection: Which files of folders are wanted.
        archives: Whether archives in folders are wanted; one that is named always is.
    """

    inside: bool = False
    selection: Selection = EVERYTHING
    archives: bool = False


PLAINLY = Manner()
Entry = os.DirEntry[str] | Named


def find(paths: Sequence[str], exclude: Path, manner: Manner = PLAINLY) -> Found:
    """Return the documents that *paths* name.

    Args:
        paths: Files, folders and globs (`**` reaches into folders), relative or absolute.
        exclude: A folder from which nothing is taken: the installation.
        manner: How to look.
    """
    search = _Search(os.path.realpath(exclude), manner)
    for each in paths:
        path = os.path.expanduser(each)  # noqa: PTH111 - names may be no valid text
        if is_glob(path):
            search.glob(path)
        else:
            search.argument(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links
    return search.found


def find_in(folder: str, path: str, exclude: Path, manner: Manner = PLAINLY) -> Found:
    """Return what the list of *folder* has at *path* or below.

    Args:
        folder: An absolute path.
        path: Likewise, of the folder itself or of what lies, or lay, in it.
        exclude: As for `find`.
        manner: As for `find`.
    """
    search = _Search(os.path.realpath(exclude), manner)
    search.again(folder, path)
    return search.found


def left_out(source: str, folder: str, selection: Selection = EVERYTHING) -> bool:
    """Return whether `find` passes over *source* when it lists *folder*, as long as it exists.

    Such a document was asked for by name, or by another selection; that a folder's list lacks it
    does not mean that it is gone. What ignore files name is not among these: they say what shall
    not be found.

    Args:
        source: The name of a document in the folder, as `sources.uri` makes it.
        folder: The name of the folder, likewise.
        selection: Which files of the folder were wanted.
    """
    inside = path_of(source)[len(path_of(folder).rstrip("/")) + 1 :]
    return is_odd(inside) or not selection.takes(inside)


def is_odd(relative: str) -> bool:
    """Return whether the file at the path *relative* to a folder is passed over for its names."""
    *folders, name = relative.split("/")
    hidden = any(each.startswith(".") for each in (*folders, name))
    return hidden or not SKIPPED_FOLDERS.isdisjoint(folders) or suffix_of(name) in SKIPPED_SUFFIXES


class _Search:
    def __init__(self, exclude: str, manner: Manner) -> None:
        self.found = Found()
        self._exclude, self._manner, self._selection = exclude, manner, manner.selection
        self._top, self._cut = "", 0
        self._seen: set[str] = set()
        self._complete = True

    def argument(self, path: str, above: Rules | None = None) -> None:
        """Look at what the user named; the rules *above* are in force there."""
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
            self._cut = len(path.rstrip("/")) + 1
            self._folder(path, above)
            if self._complete:
                self.found.folders.append(path)

    def again(self, top: str, path: str) -> None:
        """Look at what lies at *path* in the folder *top*, as far as the list of *top* has it."""
        if path == top:
            self.argument(path)
            return
        self._top, self._cut = os.path.realpath(top), len(top.rstrip("/")) + 1
        *above, name = path[self._cut :].split("/")
        if any(part.startswith(".") for part in (*above, name)):
            return
        if not SKIPPED_FOLDERS.isdisjoint(above) or _is_behind_link(self._top, above):
            return
        try:
            entry, way = Named(path), Way(top)
            if not os.path.lexists(path) or way.ignores(path, folder=self._is_folder(entry)):
                return
            rules = way.rules(os.path.dirname(path))  # noqa: PTH120 - names may be no valid text
        except OSError as wrong:
            self._problem(path, _why(wrong))
            return
        if not self._is_folder(entry):
            self._entry(entry, rules)
        elif self._enters(entry, rules):
            self._folder(path, rules)

    def glob(self, pattern: str) -> None:
        """Look at all that *pattern* stands for."""
        glob = Glob(pattern, SKIPPED_FOLDERS, SKIPPED_SUFFIXES)
        paths = glob.paths()
        if not paths:
            self.argument(os.path.abspath(pattern))  # noqa: PTH100 - resolve() follows links
        for path in paths:
            folder = os.path.isdir(path)  # noqa: PTH112 - names may be no valid text
            try:
                if not glob.leaves_out(path, self._selection, folder=folder):
                    self.argument(path, glob.rules(os.path.dirname(path)))  # noqa: PTH120 - likewise
            except OSError as wrong:
                self._problem(path, _why(wrong))

    def _folder(self, top: str, above: Rules | None) -> None:
        """Look at all in the folder *top*, without recursion: folders can be deep."""
        waiting = [(top, above)]
        while waiting:
            folder, rules = waiting.pop()
            try:
                entries = self._entries(folder)
                rules = rules_of(folder, (entry.name for entry in entries), rules)
            except OSError as wrong:
                self._complete = False
                self._problem(folder, _why(wrong))
                continue
            inner: list[tuple[str, Rules | None]] = []
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if not self._is_folder(entry):
                    self._entry(entry, rules)
                elif self._enters(entry, rules):
                    inner.append((entry.path, rules))
            waiting.extend(reversed(inner))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: os.fsencode(entry.name))

    def _is_folder(self, entry: Entry) -> bool:
        try:
            return entry.is_dir(follow_symlinks=False)
        except OSError:
            return False

    def _enters(self, entry: Entry, rules: Rules | None) -> bool:
        if entry.name in SKIPPED_FOLDERS or self._is_excluded(entry.path):
            return False
        if rules is not None and rules.ignore(entry.path, folder=True):
            return False
        return not self._selection or self._selection.enters(entry.path[self._cut :])

    def _entry(self, entry: Entry, rules: Rules | None) -> None:
        archive = self._manner.archives and is_archive(entry.name)
        if not archive and suffix_of(entry.name) in SKIPPED_SUFFIXES:
            self.found.skipped += 1
            return
        if rules is not None and rules.ignore(entry.path):
            return
        if self._selection and not self._selection.takes(entry.path[self._cut :]):
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
            if reason := self._leads_wrong(entry.path):
                self._problem(entry.path, reason)
                return
        self._file(entry.path, kind)

    def _leads_wrong(self, link: str) -> str:
        """Return what is wrong with where *link* leads, if anything is."""
        if self._is_excluded(link):
            return INSTALLATION
        if self._manner.inside and not within(os.path.realpath(link), self._top):
            return LEADS_OUT
        return ""

    def _file(self, path: str, kind: os.stat_result) -> None:
        if path in self._seen:
            return
        self._seen.add(path)
        if stat.S_ISREG(kind.st_mode):
            document = FoundDocument(
                path,
                kind.st_size,
                kind.st_mtime_ns,
                inside=self._top if self._manner.inside else "",
            )
            found = self.found
            (found.archives if is_archive(path) else found.documents).append(document)
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


def _is_behind_link(top: str, parts: Sequence[str]) -> bool:
    """Return whether one of the folders *parts* below *top*, which is free of links, is a link."""
    path = "/".join([top.rstrip("/"), *parts])
    return os.path.realpath(path) != path


def _why(wrong: OSError) -> str:
    return f"cannot read it: {(wrong.strerror or type(wrong).__name__).lower()}"
