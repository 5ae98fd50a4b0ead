# SPDX-License-Identifier: Apache-2.0
"""Bring sources in and take them away, through the ordinary ingestion.

A row says first what is about to happen, and which job does it; so whatever is cut off can be
found and finished. What was not told to be accepted when the process ended is taken back.
One process has the shelf: sources it holds itself are not looked after by `settle`.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from beast_ops.errors import BeastError, ConflictError, DocumentError, MissingError
from beast_ops.ingest.intake import Intake
from beast_ops.ingest.manifest import DocumentEntry, Manifest
from beast_ops.ingest.parse.formats import TABLE, suffix_of
from beast_ops.ingest.settings import state_file
from beast_ops.ingest.state import DocumentState, Known
from beast_ops.jobs.model import ENDED, Job, State
from beast_ops.jobs.table import JobTable

from .fetch import Errands, Fetch, address, fetch, name_of, why
from .model import COLLECTION, Kind, Source, Stage
from .outcome import outcome
from .rows import SourceRows

AWAY_AT_ONCE = 500
AGAIN_SECONDS = 60.0  # until passages that could not be taken away are tried again
TEXT_SUFFIX = ".md"
CUT_OFF = "it was deleted while it came in"


class Arrival:
    """A source on its way in: its content is written, then it counts."""

    def __init__(self, source: Source, write: Callable[[bytes], None]) -> None:
        """Bring in *source*, whose next bytes *write* takes."""
        self.source, self.size = source, 0
        self._write = write

    def write(self, block: bytes) -> None:
        """Take the next bytes; raises `TransientError` if there is no room."""
        self.size += len(block)
        self._write(block)


class Shelf:
    """The sources of all notebooks, with what brings them in."""

    def __init__(
        self, data: Path, rows: SourceRows, intake: Intake, jobs: JobTable, fetch: Fetch = fetch
    ) -> None:
        """Keep sources.

        Args:
            data: The data generation they belong to.
            rows: Where they stand.
            intake: What takes their content.
            jobs: Where one sees what became of it.
            fetch: What fetches pages.
        """
        self._data, self._rows, self._intake, self._jobs = data, rows, intake, jobs
        self._fetch = fetch
        self._held: set[str] = set()
        self._turn = threading.Lock()
        self._errands = Errands(self._page)

    @contextmanager
    def arrival(self, notebook: str, kind: Kind, name: str, size: int = 0) -> Iterator[Arrival]:
        """Yield where the content of a new source goes; it counts when this is left well.

        Args:
            notebook: Whose it is.
            kind: What it comes as.
            name: What it is called.
            size: How many bytes are announced.

        Raises:
            ConflictError: If the notebook has a file of this name, or no room for another.
            MissingError: If there is no such notebook, or it was deleted meanwhile.
            TransientError: If there is no room on the disk.
        """
        suffix = TEXT_SUFFIX if kind == "text" and suffix_of(name) not in TABLE else ""
        source = self._new(notebook, kind, name)
        with self._holding(source):
            self._rows.add(source)
            try:
                with self._taken(source, suffix, size) as arrival:
                    yield arrival
            except BaseException:
                self._take_back(source)
                raise

    def add_page(self, notebook: str, url: str) -> Source:
        """Add the page at *url* to *notebook*: it is fetched soon, or fails.

        Raises:
            ConflictError: If the notebook has no room for another source.
            MissingError: If there is no such notebook.
            UsageError: If *url* is no address of a page.
        """
        source = replace(self._new(notebook, "url", name_of(url)), url=address(url))
        self._held.add(source.id)
        try:
            self._rows.add(source)
        except BaseException:
            self._held.discard(source.id)
            raise
        self._errands.put(source)
        return source

    def seen(self, source: Source) -> tuple[Source, str]:
        """Return *source* as it is now, and how its state is called for who asks."""
        if source.stage is Stage.PENDING:
            with suppress(MissingError):
                job = self._jobs.get(source.job)
                source = outcome(source, job)
                if job.state is State.RUNNING:
                    return source, "running"
        return source, "pending" if source.stage is Stage.ARRIVING else str(source.stage)

    def resume(self) -> None:
        """Finish, or take back, what an earlier process left in the middle; for its start."""
        for source in self._rows.at(Stage.ARRIVING):
            if source.id in self._held:
                continue
            if source.kind == "url":
                self._held.add(source.id)
                self._errands.put(source)
            else:
                self._take_back(source)

    def is_busy(self) -> bool:
        """Return whether anything is under way."""
        return bool(self._rows.at(*(set(Stage) - {Stage.READY, Stage.FAILED})))

    def settle(self, physical: str) -> None:
        """Note what became of all that is under way.

        Args:
            physical: The collection behind `COLLECTION`; empty if there is none.
        """
        for source in self._rows.at(Stage.PENDING):
            self._settle(source, physical)
        self._settle_leaving()
        self._send_away(physical)

    def close(self) -> None:
        """Fetch nothing any more."""
        self._errands.close()

    def _new(self, notebook: str, kind: Kind, name: str) -> Source:
        key, job, now = uuid.uuid4().hex, uuid.uuid4().hex, self._rows.now()
        return Source(key, notebook, kind, name, "", Stage.ARRIVING, job, "", 0, 0, now, now)

    @contextmanager
    def _holding(self, source: Source) -> Iterator[None]:
        self._held.add(source.id)
        try:
            yield
        finally:
            self._held.discard(source.id)

    @contextmanager
    def _taken(self, source: Source, suffix: str, size: int) -> Iterator[Arrival]:
        """Open the job of *source*, yield where its content goes, and start it."""
        moment = int(source.created * 1e9)
        entry = DocumentEntry(source=source.uri, size=size, mtime_ns=moment, suffix=suffix)
        manifest = Manifest(collection=COLLECTION, documents=(entry,))
        self._intake.open_job(manifest, "", source.job)
        upload = self._intake.receive(source.job, 0)
        try:
            arrival = Arrival(source, upload.write)
            yield arrival
            upload.finish()
        except BaseException:
            upload.abandon()
            raise
        self._intake.start(source.job)
        arrival.source = replace(source, stage=Stage.PENDING, size=arrival.size)
        if not self._rows.step(source, Stage.PENDING, size=arrival.size):
            raise MissingError(CUT_OFF, subject=source.name)

    def _take_back(self, source: Source) -> None:
        self._rows.step(source, Stage.GONE)

    def _page(self, source: Source) -> None:
        """Fetch the page that is *source*; never raises."""
        try:
            found = self._fetch(source.url)
            with self._taken(source, found.suffix, len(found.content)) as arrival:
                arrival.write(found.content)
        except DocumentError as failed:
            self._failed(source, why(failed))
        except BeastError as failed:
            self._failed(source, failed.paragraph())
        except Exception as failed:  # noqa: BLE001 - a thread of its own: nobody else would say it
            self._failed(source, f"it could not be fetched: {type(failed).__name__}")
        finally:
            self._held.discard(source.id)

    def _failed(self, source: Source, reason: str) -> None:
        with suppress(BeastError):  # then it is fetched again after the next start
            self._rows.step(source, Stage.FAILED, reason=reason)
        with suppress(BeastError):
            self._intake.cancel(source.job)

    def _settle(self, source: Source, physical: str) -> None:
        try:
            now = outcome(source, self._jobs.get(source.job))
        except MissingError:  # nobody looked for a day, or the jobs are older than the notebooks
            now = self._remembered(source, physical)
        if now.stage is not source.stage:
            self._rows.step(source, now.stage, reason=now.reason, passages=now.passages)

    def _remembered(self, source: Source, physical: str) -> Source:
        known = self._known(source.uri, physical)
        if known is not None:
            return replace(source, stage=Stage.READY, passages=known.count)
        reason = "nothing is known of the job that was to read it; add it again"
        return replace(source, stage=Stage.FAILED, reason=reason)

    def _known(self, uri: str, physical: str) -> Known | None:
        path = state_file(self._data)
        if not physical or not path.is_file():
            return None
        with DocumentState(path, read_only=True) as state:
            return state.known(physical, [uri]).get(uri)

    def _settle_leaving(self) -> None:
        """Forget what is really gone; what could not be taken away is tried again."""
        for source in self._rows.at(Stage.LEAVING):
            job = self._job(source)
            if job is not None and job.state is State.DONE:
                self._rows.drop([source])
            elif job is None or (job.state in ENDED and self._has_waited(source)):
                self._rows.step(source, Stage.GONE)

    def _has_waited(self, source: Source) -> bool:
        return self._rows.now() - source.changed > AGAIN_SECONDS

    def _send_away(self, physical: str) -> None:
        """Have the passages taken away of what was deleted and is not being read any more."""
        away = [each for each in self._rows.at(Stage.GONE) if self._is_idle(each)][:AWAY_AT_ONCE]
        if not away:
            return
        if not physical:  # there is no collection, so there are no passages
            self._rows.drop(away)
            return
        job = uuid.uuid4().hex
        self._rows.leave(away, job)
        gone = tuple(each.uri for each in away)
        self._intake.open_job(Manifest(collection=COLLECTION, documents=(), gone=gone), "", job)

    def _is_idle(self, source: Source) -> bool:
        """Return whether no job makes passages of *source* any more; have one ended that does."""
        if source.id in self._held:
            return False
        job = self._job(source)
        if job is None or job.state in ENDED:
            return True
        with suppress(ConflictError, MissingError):  # it ended meanwhile
            self._intake.cancel(source.job)
        return False

    def _job(self, source: Source) -> Job | None:
        with suppress(MissingError):
            return self._jobs.get(source.job)
        return None
