# SPDX-License-Identifier: Apache-2.0
"""Keep a collection in step with folders.

Everything is compared in the beginning and every hour; in between each change is brought in as
soon as it has come to rest.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops.client import connect
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, TransientError
from beast_ops.jobs.client import Show
from beast_ops.place import Place
from beast_ops.watch import Change, Kind, Sight, Signature, Watcher, WatchOptions
from beast_ops.watch.model import signature
from beast_ops.watch.watcher import PLAINLY

from .client import IngestOptions, deliver
from .find import Manner, find_in
from .found import Found
from .gather import look_into
from .ignore import IGNORE_FILES

RECONCILE_SECONDS = 3600.0
LISTEN_SECONDS = 1.0
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 1.0, 15.0
AT_ONCE = 1000  # so that a long list is not lost as a whole
AWAY = "the folder is not there"


class Documents:
    """The view of those who ingest: the files that the list of a folder would have."""

    def __init__(self, exclude: Path, manner: Manner) -> None:
        """See nothing of the folder *exclude*; look as *manner* says."""
        self._exclude, self._manner = exclude, manner

    def find(self, folder: str, path: str) -> Found:
        """Return what there is at *path* or below, as the list of *folder* has it."""
        return find_in(folder, path, self._exclude, self._manner)

    def look(self, folder: str, path: str) -> Sight:
        """Return the files that count at *path* or below."""
        found = self.find(folder, path)
        files: dict[str, Signature] = {}
        for each in (*found.documents, *found.archives):
            if seen := signature(each.path):
                files[each.path] = seen
        return Sight(files, tuple(path for path, _ in found.problems))

    def reach(self, path: str) -> str:
        """Return *path*, or its folder if it is an ignore file, which speaks of all in there."""
        folder, _, name = path.rpartition("/")
        return folder or "/" if name in IGNORE_FILES else path


@dataclass(frozen=True, slots=True)
class Told:
    """One line of what was done: a change and what came of it, or a sentence."""

    text: str
    change: Change | None = None
    line: Mapping[str, Any] | None = None
    answer: Mapping[str, Any] | None = None

    def as_dict(self) -> Mapping[str, Any]:
        """Return it for machines."""
        if self.answer is not None:
            return {"event": "reconciled", **self.answer}
        if self.change is None:
            return {"event": "note", "text": self.text}
        change = {"path": self.change.path, "before": self.change.before or None}
        return {"event": str(self.change.kind), **(self.line or {}), **change}


@dataclass(frozen=True, slots=True)
class WatchTask:
    """What to keep in step.

    Attributes:
        folders: Absolute paths.
        options: How to ingest.
        watch: How to watch.
        reconcile_seconds: How often everything is compared anew.
        inside: Whether links that lead out of a folder are refused.
    """

    folders: Sequence[str]
    options: IngestOptions
    watch: WatchOptions = PLAINLY
    reconcile_seconds: float = RECONCILE_SECONDS
    inside: bool = False


class Keeping:
    """Keeps a collection in step with folders until told to stop."""

    def __init__(
        self,
        place: Place,
        task: WatchTask,
        tell: Callable[[Told], None],
        show: Show = lambda _: None,
        clock: Clock = SYSTEM,
    ) -> None:
        """Keep the collection of *task* at *place* in step.

        Args:
            place: The installation.
            task: What to keep in step.
            tell: Told what was done.
            show: Told from time to time how far it is.
            clock: What time it is.
        """
        self._place, self._task, self._tell, self._show, self._clock = (
            place,
            task,
            tell,
            show,
            clock,
        )
        options = task.options
        manner = Manner(task.inside, options.selection.judged(), options.archives)
        self._view = Documents(place.root, manner)
        self.trouble = ""  # what stands in the way, if anything does
        self._todo: dict[str, Change] = {}
        self._whole = True
        self._begun = False
        self._reconciled = float("-inf")
        self._pause = FIRST_PAUSE_SECONDS
        self._not_before = float("-inf")

    def run(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Do it until *stopping* says so.

        Raises:
            BeastError: If it cannot even begin, but for what may pass.
        """
        task = self._task
        with Watcher(
            task.folders, self._view, task.watch, self._clock, lambda text: self._tell(Told(text))
        ) as watcher:
            while not stopping():
                if self._clock.monotonic() - self._reconciled > task.reconcile_seconds:
                    self._whole = True
                    watcher.look()
                self._work()
                for change in watcher.changes(LISTEN_SECONDS):
                    self._remember(change)

    def _remember(self, change: Change) -> None:
        if change.before:
            self._todo[change.before] = Change(Kind.MOVED, change.before)  # told with the other
        self._todo[change.path] = change

    def _work(self) -> None:
        """Do what is to be done, unless something stands in its way."""
        if not (self._whole or self._todo) or self._clock.monotonic() < self._not_before:
            return
        try:
            while self._whole or self._todo:
                if not (self._reconcile() if self._whole else self._some()):
                    break  # the rest has to come to rest first
        except BeastError as failed:
            if not self._begun and not isinstance(failed, TransientError):
                raise
            self.trouble = failed.paragraph()
            self._tell(Told(f"trying again in {self._pause:.0f} s: {self.trouble}"))
            self._not_before = self._clock.monotonic() + self._pause
            self._pause = min(2 * self._pause, LAST_PAUSE_SECONDS)
        else:
            self._pause, self.trouble = FIRST_PAUSE_SECONDS, ""

    def _reconcile(self) -> bool:
        """Compare everything; return whether nothing has to wait."""
        found = Found()
        for folder in self._task.folders:
            found.add(self._view.find(folder, folder))
        later = self._defer(found)
        todo, self._todo = self._todo, {}
        try:
            answer = self._deliver(found)
        except BaseException:
            self._todo = {**todo, **self._todo}
            raise
        self._whole, self._begun = False, True
        self._reconciled = self._clock.monotonic()
        self._todo.update((path, Change(Kind.CREATED, path)) for path in later)
        self._tell(Told("", answer=answer))
        return not later

    def _some(self) -> bool:
        """Bring some of the changes in; return whether nothing has to wait."""
        paths = list(self._todo)[:AT_ONCE]
        found = Found()
        for path in paths:
            folder = next(
                each for each in self._task.folders if path.startswith(each.rstrip("/") + "/")
            )
            seen = self._view.find(folder, path)
            if not (seen.documents or seen.archives or seen.problems):
                seen.gone.append(path)
            found.add(seen)
        later = self._defer(found)
        answer = self._deliver(found)
        lines = {line["path"]: line for line in answer["results"]}
        for path in paths:
            if path not in later:
                change = self._todo.pop(path)
                if change.kind is not Kind.MOVED or change.before:
                    self._tell(Told("", change, lines.get(path)))
        return not later

    def _defer(self, found: Found) -> set[str]:
        """Take from *found* what may be half written, and return its paths."""
        newest = time.time_ns() - int(self._task.watch.settle_seconds * 1e9)
        later: set[str] = set()
        for documents in (found.documents, found.archives):
            fresh = {each.path for each in documents if newest < each.mtime_ns <= time.time_ns()}
            documents[:] = [each for each in documents if each.path not in fresh]
            later |= fresh
        found.kept += later
        self._not_before = self._clock.monotonic() + self._task.watch.settle_seconds if later else 0
        return later

    def _deliver(self, found: Found) -> dict[str, Any]:
        look_into(found, self._task.options.selection)
        with connect(self._place) as api:
            return deliver(api, found, self._task.options, self._show, self._clock)


def words(told: Told) -> Iterable[str]:
    """Yield what was *told* as lines for people."""
    from beast_ops.health.show import visible

    from .show import summary

    if told.answer is not None:
        yield summary(told.answer)
    elif told.change is None:
        yield told.text
    else:
        line, what = told.line, visible(str(told.change))
        if line is None:
            yield what
        elif line["ok"]:
            chunks = line["chunks"]
            yield f"{what}: {chunks} chunk{'' if chunks == 1 else 's'}"
        else:
            yield f"{what}: failed: {line['error']}"
