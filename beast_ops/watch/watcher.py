# SPDX-License-Identifier: Apache-2.0
"""The watcher: compares what is there with what was there, where it is told to look."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from beast_ops.clock import SYSTEM, Clock

from .model import Change, Kind, Signature, View, is_in, outermost, signature
from .notices import Looked, NoNoticesError, Notices, Told, is_remote

TICK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How to watch.

    Attributes:
        gather_seconds: How long notices that follow each other are gathered.
        settle_seconds: How long a file must stay as it is before it is told: until then it may
            be half written.
        poll: Whether to look from time to time even where the system could tell.
        poll_seconds: How often to look where it cannot.
    """

    gather_seconds: float = 0.2
    settle_seconds: float = 1.0
    poll: bool = False
    poll_seconds: float = 10.0


PLAINLY = WatchOptions()


class Watcher:
    """Watches folders; a context manager."""

    def __init__(
        self,
        folders: Sequence[str],
        view: View,
        options: WatchOptions = PLAINLY,
        clock: Clock = SYSTEM,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Watch *folders*.

        Args:
            folders: Absolute paths; one that is not there is watched as soon as it is.
            view: Which of their files count.
            options: How.
            clock: What time it is.
            say: Told in a sentence what the operator might want to know.
        """
        self._folders = sorted(outermost({os.path.abspath(folder) for folder in folders}))  # noqa: PTH100 - resolve() follows links
        self._view, self._options, self._clock, self._say = view, options, clock, say
        self._known: dict[str, Signature] = {}
        self._waiting: dict[str, tuple[Signature | None, float]] = {}
        self._there: dict[str, tuple[int, int]] = {}
        self._full: dict[str, tuple[int, int]] = {}  # where each lay when there was something in it
        self._notices: Notices | None = None
        self._blind_to_notices = options.poll
        self._again: set[str] = set()

    def __enter__(self) -> Self:
        """Begin; what is there now is known."""
        self._open()  # before the first look: what happens in between is told
        self._again.clear()
        for folder in self._there:
            self._is_away(folder)  # remembers where it lies
            self._known.update(self._view.look(folder, folder).files)
        return self

    def __exit__(self, *failure: object) -> None:
        """Stop."""
        self._close()

    def look(self) -> None:
        """Have everything looked at: what notices missed is found."""
        self._again.update(self._folders)

    def changes(self, seconds: float) -> list[Change]:
        """Return what changed and came to rest, or nothing if after *seconds* nothing did."""
        end = self._clock.monotonic() + seconds
        while True:
            self._follow()
            left = end - self._clock.monotonic()
            paths = self._wait(max(0.0, min(left, TICK_SECONDS if self._waiting else left)))
            self._compare({self._view.reach(path) for path in paths | self._again})
            self._again.clear()
            found = self._settled()
            if found or self._clock.monotonic() >= end:
                return found

    def _open(self) -> None:
        """Have the system tell about the folders that are there."""
        self._close()
        self._there = {folder: place for folder in self._folders if (place := _place(folder))}
        self._again.update(self._there)
        if not self._blind_to_notices and any(is_remote(folder) for folder in self._there):
            self._poll("the folder lies on a file system that others may change")
        if self._there and not self._blind_to_notices:
            try:
                self._notices = Told(list(self._there), self._options.gather_seconds)
            except NoNoticesError as why:
                self._poll(str(why))
        if self._notices is None:
            self._notices = Looked(list(self._there), self._options.poll_seconds, self._clock)

    def _poll(self, why: str) -> None:
        self._blind_to_notices = True
        pause = self._options.poll_seconds
        self._say(f"looking every {pause:g} s, for the system does not tell of changes: {why}")

    def _close(self) -> None:
        if self._notices is not None:
            self._notices.close()
            self._notices = None

    def _follow(self) -> None:
        """Watch the folders themselves, should others have taken their places."""
        now = {folder: place for folder in self._folders if (place := _place(folder))}
        if now == self._there:
            return
        for folder in self._there.keys() - now.keys():
            self._say(f"{folder} is gone; what is known of it is kept until it is back")
        self._open()

    def _wait(self, seconds: float) -> set[str]:
        if self._notices is None:
            raise RuntimeError("a watcher is a context manager")
        try:
            return self._notices.wait(seconds)
        except NoNoticesError as why:
            self._poll(str(why))
            self._open()
            return set(self._there)

    def _compare(self, paths: set[str]) -> None:
        """Note what at *paths*, or below, is not as it was."""
        inner = outermost(paths)
        if not inner:
            return
        there: dict[str, Signature] = {}
        blind: set[str] = set()
        for path in inner:
            folder = self._folder_of(path)
            if folder is None or self._is_away(folder):
                blind.add(path)
                continue
            sight = self._view.look(folder, path)
            there.update(sight.files)
            blind.update(sight.blind)
        for path in [*self._below(inner), *there]:
            if path not in there and (path in blind or is_in(path, blind)):
                continue
            self._note(path, there.get(path))

    def _below(self, paths: set[str]) -> list[str]:
        """Return what is known at *paths* or below."""
        known = {*self._known, *self._waiting}
        if len(paths) < len(known) and not any(os.path.isdir(path) for path in paths):  # noqa: PTH112 - names may be no valid text
            exact = known & paths
            if len(exact) == len(paths):
                return list(exact)
        return [path for path in known if path in paths or is_in(path, paths)]

    def _note(self, path: str, now: Signature | None) -> None:
        if now == self._known.get(path):
            self._waiting.pop(path, None)
        elif path not in self._waiting or self._waiting[path][0] != now:
            self._waiting[path] = (now, self._clock.monotonic())

    def _settled(self) -> list[Change]:
        """Return what has stayed as it is for long enough, and know it from now on."""
        now = self._clock.monotonic()
        ready: dict[str, Signature | None] = {}
        for path, (seen, since) in list(self._waiting.items()):
            if now - since < self._options.settle_seconds:
                continue
            current = self._seen_now(path) if seen is None else signature(path)
            if current == seen:
                ready[path] = seen
            else:
                self._note(path, current)
        for path in ready:
            del self._waiting[path]
        return self._told(ready)

    def _seen_now(self, path: str) -> Signature | None:
        """Return what is at *path* now, if it counts."""
        folder = self._folder_of(path)
        return None if folder is None else self._view.look(folder, path).files.get(path)

    def _told(self, ready: dict[str, Signature | None]) -> list[Change]:
        """Return the changes that the files *ready* make, a file that moved as one."""
        gone = {
            path: self._known.pop(path)
            for path, now in ready.items()
            if now is None and path in self._known
        }
        by_file = {before: path for path, before in gone.items()}
        changes = []
        for path, now in ready.items():
            if now is None:
                continue
            kind = Kind.MODIFIED if path in self._known else Kind.CREATED
            self._known[path] = now
            before = by_file.pop(now, "") if kind is Kind.CREATED else ""
            if before:
                del gone[before]
                kind = Kind.MOVED
            changes.append(Change(kind, path, before))
        changes += [Change(Kind.DELETED, path) for path in gone]
        return sorted(changes, key=lambda change: change.path)

    def _folder_of(self, path: str) -> str | None:
        return next((each for each in self._folders if path == each or is_in(path, {each})), None)

    def _is_away(self, folder: str) -> bool:
        """Return whether *folder* is not there, or another, empty one: one to mount things on."""
        place = _place(folder)
        try:
            empty = not os.listdir(folder)  # noqa: PTH208 - names may be no valid text
        except OSError:
            return True
        if place is not None and not empty:
            self._full[folder] = place
        return empty and self._full.get(folder, place) != place


def _place(folder: str) -> tuple[int, int] | None:
    """Return which folder lies at *folder*, if one does."""
    try:
        kind = os.stat(os.path.join(folder, ""))  # noqa: PTH116, PTH118 - names may be no valid text
    except OSError:
        return None
    return kind.st_dev, kind.st_ino
