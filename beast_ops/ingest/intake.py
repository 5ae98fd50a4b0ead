# SPDX-License-Identifier: Apache-2.0
"""Take documents in over HTTP: a manifest, then what is wanted of it, then a job.

Uploads wait in `uploads/<job>/`, a file per document named by its place in the manifest, until
the worker has read them.
"""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from beast_ops.database import FAILURES
from beast_ops.errors import (
    ConflictError,
    DatabaseDamagedError,
    DatabaseError,
    MissingError,
    TransientError,
    UsageError,
)
from beast_ops.files import sync_file_system, write_atomically
from beast_ops.jobs.model import Job, Priority, State, Wanted
from beast_ops.jobs.ringing import Ring, RingingTable, silence

from .manifest import Manifest
from .settings import jobs_file, state_file
from .state import DocumentState
from .upload import RESERVE_BYTES, Upload, keeping

KIND = "ingest"
MANIFEST = "manifest.json"

_MANIFEST = TypeAdapter(Manifest)


@dataclass(frozen=True, slots=True)
class Opened:
    """A job that was opened, and the documents whose content it wants, by their place."""

    job: str
    wanted: tuple[int, ...]


class Intake:
    """The door through which documents come in."""

    def __init__(self, data: Path, reserve: int = RESERVE_BYTES, ring: Ring = silence) -> None:
        """Open the intake of the data generation *data*.

        Args:
            data: The data generation.
            reserve: So many bytes of its disk stay free.
            ring: Told of jobs that can run.
        """
        self._reserve = reserve
        self._uploads = data / "uploads"
        self._state = state_file(data)
        self._jobs = RingingTable(jobs_file(data), ring)

    def open_job(self, manifest: Manifest, physical: str, job_id: str = "") -> Opened:
        """Open a job for *manifest*; it runs at once if nothing is wanted.

        Args:
            manifest: What the client has.
            physical: The collection behind the manifest's alias; empty if there is none, so
                that nothing is known of any document.
            job_id: What the job is to be called; anything if empty.

        Raises:
            DatabaseDamagedError: If what is known of the documents cannot be read.
            TransientError: If there is no room for the manifest.
        """
        wanted = self._wanted(manifest, physical)
        payload = {"collection": manifest.collection, "documents": len(manifest.documents)}
        with keeping(KIND):
            urgency = manifest.urgency
            job = self._jobs.add(KIND, payload, held=True, job_id=job_id, priority=urgency)
        try:
            with keeping(job):
                folder = self._uploads / job
                folder.mkdir(mode=0o700, parents=True)
                write_atomically(folder / MANIFEST, manifest.model_dump_json().encode())
                if not wanted:
                    self._jobs.release(job)
        except TransientError:
            with suppress(*FAILURES):  # then it is swept in a day
                self.cancel(job)
            raise
        return Opened(job, wanted)

    def open_folder(
        self,
        collection: str,
        folder: Path,
        *,
        prune_empty: bool = False,
        priority: Priority = Priority.NORMAL,
    ) -> str:
        """Open a job that reads *folder* of this host by itself; return its id.

        Args:
            collection: Where its documents go.
            folder: The folder.
            prune_empty: As in `Manifest`.
            priority: How urgent it is.
        """
        payload = {"collection": collection, "folder": str(folder), "prune_empty": prune_empty}
        return self._jobs.add(KIND, payload, priority=priority)

    def _wanted(self, manifest: Manifest, physical: str) -> tuple[int, ...]:
        everything = tuple(range(len(manifest.documents)))
        try:
            with DocumentState(self._state, read_only=True) as state:
                known = state.known(physical, (entry.source for entry in manifest.documents))
        except DatabaseDamagedError:
            raise
        except DatabaseError:  # no worker has made it yet
            return everything
        return tuple(
            place
            for place, entry in enumerate(manifest.documents)
            if entry.source not in known or not known[entry.source].same_file(entry)
        )

    def receive(self, job_id: str, place: int) -> Upload:
        """Return where the content of the document at *place* of a job's manifest goes.

        Raises:
            ConflictError: If the job waits for no uploads.
            MissingError: If there is no such job or document.
            TransientError: If there is no room.
        """
        self._expect(job_id, place)
        folder = self._uploads / job_id
        return Upload(folder, str(place), lambda: self._expect(job_id, place), self._reserve)

    def skip(self, job_id: str, place: int, reason: str) -> None:
        """Note why the document at *place* will not come; raises as `receive` does."""
        self._expect(job_id, place)
        note = json.dumps({"reason": reason[:1000]})
        with keeping(job_id):
            write_atomically(self._uploads / job_id / f"{place}.skipped", note.encode())

    def _expect(self, job_id: str, place: int) -> None:
        job = self._ingestion(job_id)
        if job.state is not State.HELD:
            raise ConflictError("this job takes no more documents", subject=job_id)
        if not 0 <= place < job.payload.get("documents", 0):
            raise MissingError("the manifest has no such document", subject=str(place))
        with keeping(job_id):
            self._jobs.keep(job_id)

    def start(self, job_id: str) -> None:
        """Let the job run; all that was received for it is durable before that.

        Raises:
            ConflictError: If it was started already.
            MissingError: If there is none.
            TransientError: If the disk did not take all of it.
        """
        if self._ingestion(job_id).state is not State.HELD:
            raise ConflictError("this job was started already", subject=job_id)
        try:
            sync_file_system(self._uploads / job_id)
        except FileNotFoundError as gone:  # started, done and cleared away meanwhile
            raise ConflictError("this job has ended already", subject=job_id) from gone
        except OSError as failed:
            raise TransientError(
                f"the uploads cannot be kept: {failed.strerror}", hint="Send them again."
            ) from failed
        self._jobs.release(job_id)

    def cancel(self, job_id: str) -> None:
        """Cancel the job; raises as `start` does."""
        self._ingestion(job_id)
        self._jobs.cancel(job_id)
        if self._jobs.get(job_id).state is State.CANCELLED:
            shutil.rmtree(self._uploads / job_id, ignore_errors=True)

    def status(self, job_id: str) -> Mapping[str, object]:
        """Return where the job stands; raises `MissingError` if there is none."""
        return as_dict(self._ingestion(job_id))

    def newest(self, limit: int = 50) -> list[Mapping[str, object]]:
        """Return the newest ingestions, without their results."""
        return self.page(limit, 0)[1]

    def page(self, limit: int, offset: int) -> tuple[int, list[Mapping[str, object]]]:
        """Return how many ingestions there are, and some of them without their results.

        Args:
            limit: How many at most, the newest first.
            offset: How many to leave out first.
        """
        total, jobs = self._jobs.page(Wanted(KIND), limit, offset)
        return total, [{**as_dict(job), "result": None} for job in jobs]

    def close(self) -> None:
        """Close the job table."""
        self._jobs.close()

    def _ingestion(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job.kind != KIND:
            raise MissingError("there is no such ingestion", subject=job_id)
        return job


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest in the upload folder of a job.

    Raises:
        MissingError: If it is gone.
    """
    try:
        return _MANIFEST.validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError as gone:
        raise MissingError("the uploads of this job are gone", subject=folder.name) from gone


def declared_folder(root: Path, folders: Mapping[str, str], name: str) -> Path:
    """Return the folder declared under *name*, resolved after links.

    Raises:
        MissingError: If none is declared under this name, or it is not there.
        UsageError: If it lies in the installation at *root*, or around it.
    """
    if name not in folders:
        raise MissingError(
            "no folder is declared under this name",
            subject=name,
            hint="Declare it in the inventory: beast_api_folders.",
        )
    try:
        found = Path(folders[name]).resolve(strict=True)
    except OSError as gone:
        raise MissingError("the folder is not there", subject=folders[name]) from gone
    home = root.resolve()
    if found.is_relative_to(home) or home.is_relative_to(found):
        raise UsageError("the folder holds the installation itself", subject=folders[name])
    return found


def as_dict(job: Job) -> dict[str, object]:
    """Return *job* as the API shows an ingestion."""
    return {
        "job": job.id,
        "state": str(job.state),
        "priority": str(job.priority),
        "progress": dict(job.progress),
        "result": dict(job.result) if job.result is not None else None,
        "error": job.error,
    }
