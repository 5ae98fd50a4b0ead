# SPDX-License-Identifier: Apache-2.0
"""Run one ingestion: find, read, cut, embed, store, with the slowest stage setting the pace."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, BinaryIO

from beast_ops.errors import DocumentError, MissingError
from beast_ops.jobs.model import ENDED
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Grip

from .batches import Batches, Read
from .content import Content, closing_all, digest, open_content, path_to
from .embedding import Embedding
from .manifest import DocumentEntry
from .members import Members
from .order import Order, read_order
from .parse import Document
from .plan import IngestPlan, compare, is_empty
from .pool import ParserPool
from .reembed import ask_to_feed
from .remember import note_of, remembering
from .settings import Surroundings
from .sources import shown
from .state import DocumentState, Known
from .store import PointStore
from .tally import Line, Tally
from .target import open_target
from .turn import turn
from .twins import Twins
from .writer import Finished, Writer

FORGET_AT_ONCE = 100
EMPTY = (
    "the folder is empty now, perhaps not mounted; its known documents ({}) are kept,"
    " unless you add --prune-empty"
)
RECIPE = "2"  # raise it when documents are read or cut otherwise, so that all are done anew


def handler(around: Surroundings) -> "Run":
    """Return the handler of ingestion jobs for the worker in *around*."""
    return Run(around)


class Run:
    """Runs ingestion jobs."""

    def __init__(self, around: Surroundings) -> None:
        """Work with the data and services of *around*, cutting documents as its settings say."""
        self._around = around
        settings = around.settings
        with DocumentState(around.state) as state:
            state.doubt_after_boot()
            state.use(f"{RECIPE}/{settings.chunk_characters}/{settings.chunk_overlap}")

    def __call__(self, grip: Grip) -> Mapping[str, Any]:
        """Run the job in *grip* and return what `ingest --json` prints.

        Raises:
            BeastError: If it cannot go on; the job fails with its paragraph.
        """
        around = self._around
        order = read_order(grip.job, around.data)
        with (
            DocumentState(around.state) as state,
            PointStore(around.vectors_url, around.vectors_key, grip.check) as store,
        ):
            name = order.manifest.collection
            with turn(around, name, grip.check):
                result = Ingestion(around, grip, order, state, store).run()
        self._keep_in_step(name)
        return result

    def _keep_in_step(self, name: str) -> None:
        """Have the other collections of *name* told what this one was, if there are any."""
        with Members(self._around.state) as members, JobTable(self._around.jobs) as jobs:
            if name in members.behind():
                ask_to_feed(jobs, name)

    def tidy(self) -> None:
        """Remove what was uploaded for jobs that ended, however they did, or are gone."""
        uploads = self._around.data / "uploads"
        if not uploads.is_dir():
            return
        with JobTable(self._around.jobs) as jobs:
            for folder in uploads.iterdir():
                try:
                    ended = jobs.get(folder.name).state in ENDED
                except MissingError:
                    ended = True
                if ended:
                    shutil.rmtree(folder, ignore_errors=True)


class Ingestion:
    """One run of one job."""

    def __init__(
        self,
        around: Surroundings,
        grip: Grip,
        order: Order,
        state: DocumentState,
        store: PointStore,
    ) -> None:
        """Carry out *order* while *grip* holds."""
        self._around, self._grip, self._order = around, grip, order
        self._state, self._store = state, store
        seen = len(order.manifest.documents) + len(order.problems)
        self._tally = Tally(order.manifest.collection, seen)
        self._collection = ""
        self._notes: dict[str, str] = {}  # of documents that were read and wait to be stored

    def run(self) -> Mapping[str, Any]:
        """Do it and return what it came to."""
        around, manifest = self._around, self._order.manifest
        target = open_target(
            self._store, self._state, manifest.collection, around.settings, around.models_url
        )
        self._collection = target.collection
        known, plan = self._plan()
        for source, reason in self._order.problems:
            self._tally.failed(Line(source, 0, reason))
        at_once = around.settings.embed_at_once
        writer = Writer(self._store, self._state, target.collection, self._grip.check, self._stored)
        with (
            closing(target),
            remembering(target, around) as target,
            Embedding(target, at_once) as embedding,
            writer,
        ):
            batches = Batches(around.settings, embedding.begin, writer.put, self._refused)
            busy = {entry.source for _, entry in plan.read}
            twins = Twins(self._state, self._store, target, busy, writer.put)
            for read in self._reads(plan, known, twins):
                batches.add(read)
                self._tell()
            batches.flush()
        self._forget([*plan.gone, *sorted(batches.refused)])
        self._tally.deleted(len(plan.gone))
        self._tally.embedded(embedding.figures())
        return self._tally.result()

    def _plan(self) -> tuple[dict[str, Known], IngestPlan]:
        manifest = self._order.manifest
        known = self._state.known(self._collection, (each.source for each in manifest.documents))
        mine = self._grip.job.id
        # What an earlier attempt of this very job stored needs no second look.
        sent = {
            place
            for place in self._order.sent()
            if (before := known.get(manifest.documents[place].source)) is None or before.job != mine
        }
        plan = compare(manifest, known, self._below(), sent)
        for before in plan.unchanged:
            line = Line(before.source, before.count)
            (self._tally.ingested if before.job == mine else self._tally.unchanged)(line)
        return known, plan

    def _below(self) -> Sequence[str]:
        """Return what is known below the folders, and is gone, as far as it may leave."""
        manifest = self._order.manifest
        kept = {*manifest.kept, *(source for source, _ in self._order.problems)}
        kept.update(each.source for each in manifest.documents)
        below: list[str] = []
        for folder in manifest.folders:
            there = [
                source
                for source in self._state.below(self._collection, folder)
                if source not in kept and not self._order.left_out(source, folder)
            ]
            below += there
            if there and not manifest.prune_empty and is_empty(manifest, folder):
                kept.update(there)
                self._tally.trouble(Line(folder, 0, EMPTY.format(len(there))))
        below += self._order.gone(self._state, self._collection)
        return [source for source in below if source not in kept]

    def _reads(self, plan: IngestPlan, known: Mapping[str, Known], twins: Twins) -> Iterator[Read]:
        """Yield every document that was read and has changed, as it comes."""
        settings, check = self._around.settings, self._grip.check
        doubtful = self._state.in_doubt(self._collection, [entry.source for _, entry in plan.read])
        files: set[BinaryIO] = set()
        with (
            closing_all(files),
            ParserPool(settings.parsers, settings.parse_seconds, settings.parse_megabytes) as pool,
        ):
            work = (
                (content, content.path, content.entry.name)
                for content in self._contents(plan, known, files, twins)
            )
            for content, document, seconds in pool.map(work, check):
                content.file.close()
                files.discard(content.file)
                check()
                source = content.entry.source
                if isinstance(document, DocumentError):
                    self._tally.failed(Line(source, 0, str(document), seconds))
                else:
                    if document.note:
                        self._notes[source] = document.note
                    yield self._read(content, document, known, source in doubtful, seconds)

    def _read(
        self,
        content: Content,
        document: Document,
        known: Mapping[str, Known],
        in_doubt: bool,  # noqa: FBT001 - passed on as it is
        seconds: float,
    ) -> Read:
        source = content.entry.source
        before = known.get(source)
        old = self._state.chunks(self._collection, source) if before is not None else {}
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
            job=self._grip.job.id,
        )

    def _contents(
        self,
        plan: IngestPlan,
        known: Mapping[str, Known],
        files: set[BinaryIO],
        twins: Twins,
    ) -> Iterator[Content]:
        """Yield the documents whose content is new; settle those that were merely touched.

        What is yielded stands in *files* and is to be closed by who takes it.
        """
        for place, entry in plan.read:
            self._grip.check()  # none of them may be new
            self._tell()
            try:
                content = self._content(place, entry)
            except DocumentError as failed:
                self._tally.failed(Line(entry.source, 0, str(failed)))
                continue
            before = known.get(entry.source)
            if before is not None and before.current and before.sha256 == content.sha256:
                content.file.close()
                self._state.touch(self._collection, entry)
                self._tally.unchanged(Line(entry.source, before.count))
                continue
            files.add(content.file)
            if twins.deliver(self._now(content), entry.name):
                content.file.close()
                files.discard(content.file)
                continue
            yield content

    def _content(self, place: int, entry: DocumentEntry) -> Content:
        """Return the document at *place*, open; raises `DocumentError` if it cannot be read."""
        path, name = self._order.content(place, entry), shown(entry.source)
        inside = self._order.inside
        file = open_content(path, name, inside)
        try:
            sha256 = digest(file, name, self._grip.check)
            return Content(entry, file, path_to(file, path) if inside else path, sha256)
        except BaseException:
            file.close()
            raise

    def _stored(self, finished: Finished) -> None:
        source = finished.known.source
        note = note_of(self._notes.pop(source, None), finished.cut)
        self._tally.ingested(
            Line(source, len(finished.chunks), seconds=finished.seconds, note=note)
        )

    def _refused(self, source: str, error: DocumentError) -> None:
        self._tally.failed(Line(source, 0, str(error)))

    def _forget(self, sources: Sequence[str]) -> None:
        for begin in range(0, len(sources), FORGET_AT_ONCE):
            self._grip.check()
            some = sources[begin : begin + FORGET_AT_ONCE]
            self._state.intend(self._collection, some)
            self._store.delete_of(self._collection, some)
            self._state.forget(self._collection, some)

    def _tell(self) -> None:
        if self._tally.due:
            self._grip.say(self._tally.progress())
