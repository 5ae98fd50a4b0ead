# SPDX-License-Identifier: Apache-2.0
"""Find out which documents are new, and read those: the first stages of an ingestion."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import BinaryIO

from beast_ops.clock import SYSTEM
from beast_ops.errors import DocumentError

from .batches import Read
from .content import Content, closing_all, digest, open_content, path_to
from .manifest import DocumentEntry
from .parse import Document
from .pool import ParserPool
from .sources import shown
from .stages import EMBED, FIND, PARSE
from .state import Known
from .tally import Line
from .task import Task
from .twins import Twins

LEAD = 1.0  # how long a job reads before it gives way, by how long it took to get there

Places = Sequence[tuple[int, DocumentEntry]]
"""Documents, each with its place in the manifest."""


class Reading:
    """Opens documents, settles those that need no reading, and reads the others."""

    def __init__(
        self, task: Task, collection: str, known: Mapping[str, Known], twins: Twins
    ) -> None:
        """Read for *task*.

        Args:
            task: Whose documents.
            collection: Where they go, behind the alias.
            known: What is known of them.
            twins: Knows those whose content is stored already, or about to be.
        """
        self._task, self._collection = task, collection
        self._tally, self._stages = task.tally, task.tally.stages
        self._known, self._twins = known, twins
        self._notes: dict[str, str] = {}  # of documents that were read and wait to be stored
        now = SYSTEM.monotonic()
        # Else jobs that come in all the time would have it find out where it is, and no more.
        self._yields_at = now + LEAD * (now - task.grip.begun)
        self.is_cut_short = False

    def reads(self, entries: Places) -> Iterator[Read]:
        """Yield those of *entries* that were read and have changed, as they come.

        It ends early, and says so in `is_cut_short`, if a job of a higher priority waits.
        """
        settings, check = self._task.around.settings, self._task.grip.check
        sources = [entry.source for _, entry in entries]
        doubtful = self._task.state.in_doubt(self._collection, sources)
        files: set[BinaryIO] = set()
        with (
            closing_all(files),
            ParserPool(settings.parsers, settings.parse_seconds, settings.parse_megabytes) as pool,
        ):
            work = (
                (content, content.path, content.entry.name)
                for content in self._contents(entries, doubtful, files)
            )
            for content, document, seconds in pool.map(work, check):
                content.file.close()
                files.discard(content.file)
                check()
                source = content.entry.source
                if isinstance(document, DocumentError):
                    self._stages.spared()
                    self._tally.failed(Line(source, 0, str(document), seconds))
                    continue
                self._stages.passed(PARSE)
                if document.note:
                    self._notes[source] = document.note
                yield self._read(content, document, source in doubtful, seconds)

    def settled(self, known: Known) -> str | None:
        """Take notice that *known* is stored; return what its owner should know of it."""
        self._twins.settled(known)
        return self._notes.pop(known.source, None)

    def _read(
        self,
        content: Content,
        document: Document,
        in_doubt: bool,  # noqa: FBT001 - passed on as it is
        seconds: float,
    ) -> Read:
        source = content.entry.source
        before = self._known.get(source)
        old = self._task.state.chunks(self._collection, source) if before is not None else {}
        if before is not None and not before.current:
            old = dict.fromkeys(old, "")  # the same texts may have other vectors now
        return Read(self._now(content), document, old, in_doubt, seconds)

    def _now(self, content: Content) -> Known:
        """Return what is to be known of a document, still without chunks."""
        entry = content.entry
        return Known(
            source=entry.source,
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            sha256=content.sha256,
            job=self._task.grip.job.id,
        )

    def _contents(
        self, entries: Places, doubtful: Collection[str], files: set[BinaryIO]
    ) -> Iterator[Content]:
        """Yield the documents that are to be read; settle the others.

        What is yielded stands in *files* and is to be closed by who takes it.
        """
        for place, entry in entries:
            self._task.grip.check()  # none of them may be new
            self._task.tell()
            if self._is_outranked():
                return
            try:
                content = self._content(place, entry)
            except DocumentError as failed:
                self._stages.passed(FIND)
                self._stages.spared()
                self._tally.failed(Line(entry.source, 0, str(failed)))
                continue
            if self._twins.may_wait:  # else it was found before
                self._stages.passed(FIND)
            files.add(content.file)
            if self._needs_no_reading(place, content, in_doubt=entry.source in doubtful):
                files.discard(content.file)
                content.file.close()
                continue
            yield content

    def _needs_no_reading(self, place: int, content: Content, *, in_doubt: bool) -> bool:
        """Settle a document that was merely touched, or whose content is stored, or about to be."""
        entry, now = content.entry, self._now(content)
        before = self._known.get(entry.source)
        if before is not None and before.current and before.sha256 == content.sha256:
            self._task.state.touch(self._collection, entry)
            self._stages.spared()
            self._tally.unchanged(Line(entry.source, before.count))
            return True
        if self._twins.is_under_way(now):
            self._twins.later.append((place, entry))
            return True
        if count := self._twins.deliver(now, entry.name, in_doubt=in_doubt):
            self._stages.passed(PARSE)
            self._stages.cut(count)
            self._stages.passed(EMBED, count)
            return True
        self._twins.begun(now)
        return False

    def _is_outranked(self) -> bool:
        if SYSTEM.monotonic() >= self._yields_at and self._task.grip.is_outranked():
            self.is_cut_short = True
        return self.is_cut_short

    def _content(self, place: int, entry: DocumentEntry) -> Content:
        """Return the document at *place*, open; raises `DocumentError` if it cannot be read."""
        path, name = self._task.order.content(place, entry), shown(entry.source)
        inside = self._task.order.inside
        file = open_content(path, name, inside)
        try:
            sha256 = digest(file, name, self._task.grip.check, entry.size)
            return Content(entry, file, path_to(file, path) if inside else path, sha256)
        except BaseException:
            file.close()
            raise
