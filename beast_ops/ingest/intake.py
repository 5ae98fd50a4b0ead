# SPDX-License-Identifier: Apache-2.0
"""Take documents in over HTTP: a manifest, then what is wanted of it, then a job.

Uploads wait in `uploads/<job>/`, a file per document named by its place in the manifest, until
the worker has read them.
"""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter

from beast_ops.errors import ConflictError, MissingError, TransientError, UsageError
from beast_ops.files import sync_file_system, write_atomically
from beast_ops.jobs.model import Job, State
from beast_ops.jobs.table import JobTable

from .manifest import Manifest
from .settings import jobs_file, state_file
from .state import DocumentState

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

    def __init__(self, data: Path) -> None:
        """Open the intake of the data generation *data*."""
        self._uploads = data / "uploads"
        self._state = state_file(data)
        self._jobs = JobTable(jobs_file(data))

    def open_job(self, manifest: Manifest, physical: str) -> Opened:
        """Open a job for *manifest*; it runs at once if nothing is wanted.

        Args:
            manifest: What the client has.
            physical: The collection behind the manifest's alias; empty if there is none, so
                that nothing is known of any document.
        """
        wanted = self._wanted(manifest, physical)
        payload = {"collection": manifest.collection, "documents": len(manifest.documents)}
        job = self._jobs.add(KIND, payload, held=True)
        folder = self._uploads / job
        folder.mkdir(mode=0o700, parents=True)
        write_atomically(folder / MANIFEST, manifest.model_dump_json().encode())
        if not wanted:
            self._jobs.release(job)
        return Opened(job, wanted)

    def open_folder(self, collection: str, folder: Path) -> str:
        """Open a job that reads *folder* of this host by itself; return its id."""
        return self._jobs.add(KIND, {"collection": collection, "folder": str(folder)})

    def _wanted(self, manifest: Manifest, physical: str) -> tuple[int, ...]:
        everything = tuple(range(len(manifest.documents)))
        try:
            with DocumentState(self._state, read_only=True) as state:
                known = state.known(physical, (entry.source for entry in manifest.documents))
        except sqlite3.OperationalError:  # no worker has made it yet
            return everything
        return tuple(
            place
            for place, entry in enumerate(manifest.documents)
            if entry.source not in known or not known[entry.source].same_file(entry)
        )

    def receive(self, job_id: str, place: int) -> "Upload":
        """Return where the content of the document at *place* of a job's manifest goes.

        Raises:
            ConflictError: If the job waits for no uploads.
            MissingError: If there is no such job or document.
        """
        self._expect(job_id, place)
        return Upload(self._uploads / job_id, str(place))

    def skip(self, job_id: str, place: int, reason: str) -> None:
        """Note why the document at *place* will not come; raises as `receive` does."""
        self._expect(job_id, place)
        note = json.dumps({"reason": reason[:1000]})
        write_atomically(self._uploads / job_id / f"{place}.skipped", note.encode())

    def _expect(self, job_id: str, place: int) -> None:
        job = self._ingestion(job_id)
        if job.state is not State.HELD:
            raise ConflictError("this job takes no more documents", subject=job_id)
        if not 0 <= place < job.payload.get("documents", 0):
            raise MissingError("the manifest has no such document", subject=str(place))

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
        """Return the newest jobs, without their results."""
        jobs = (job for job in self._jobs.newest(limit) if job.kind == KIND)
        return [{**as_dict(job), "result": None} for job in jobs]

    def close(self) -> None:
        """Close the job table."""
        self._jobs.close()

    def _ingestion(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job.kind != KIND:
            raise MissingError("there is no such ingestion", subject=job_id)
        return job


class Upload:
    """A document on its way in; it counts once it is complete."""

    def __init__(self, folder: Path, name: str) -> None:
        """Receive into the file *name* below *folder*.

        Raises:
            MissingError: If the folder is gone: the job was cancelled.
        """
        self._target = folder / name
        try:
            # Of its own, should the same document be sent twice at once.
            handle, partial = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        except FileNotFoundError as gone:
            raise MissingError("this job is gone", subject=folder.name) from gone
        self._partial = Path(partial)
        self._file: BinaryIO = os.fdopen(handle, "wb")

    def write(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            TransientError: If there is no room for them.
        """
        with _keeping(self._target):
            self._file.write(block)

    def finish(self) -> None:
        """Count the document as received; raises as `write` does."""
        with _keeping(self._target):
            self._file.close()
            self._partial.replace(self._target)

    def abandon(self) -> None:
        """Forget what was received."""
        with suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def _keeping(target: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as gone:
        raise MissingError("this job is gone", subject=target.parent.name) from gone
    except OSError as full:
        raise TransientError(
            f"the upload cannot be kept: {full.strerror}", hint="Make room, then try again."
        ) from full


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
        "progress": dict(job.progress),
        "result": dict(job.result) if job.result is not None else None,
        "error": job.error,
    }
