# SPDX-License-Identifier: Apache-2.0
"""What one job is to ingest, and where its content lies."""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from beast_ops.errors import DocumentError
from beast_ops.jobs.model import Job

from .find import Manner, find, left_out
from .ignore import Selection
from .intake import read_manifest
from .manifest import DocumentEntry, Manifest
from .settings import installation_of
from .sources import archive_of, path_of, shown, uri
from .state import DocumentState


@dataclass(frozen=True, slots=True)
class Order:
    """What to ingest, and where its content lies.

    Attributes:
        manifest: The documents.
        uploads: The folder with their content by place; `None` if they are read where they are.
        problems: What could not even be listed, with the reason.
        inside: The folder that documents read where they are must not lead out of.
    """

    manifest: Manifest
    uploads: Path | None
    problems: Sequence[tuple[str, str]] = ()
    inside: str | None = None

    def content(self, place: int, entry: DocumentEntry) -> Path:
        """Return the file that holds the document at *place*.

        Raises:
            DocumentError: If it did not come; says why.
        """
        if self.uploads is None:
            return Path(path_of(entry.source))
        sent = self.uploads / str(place)
        if sent.exists():
            return sent
        try:
            note = json.loads((self.uploads / f"{place}.skipped").read_bytes())
        except FileNotFoundError:
            raise DocumentError("it was not uploaded", subject=shown(entry.source)) from None
        raise DocumentError(str(note["reason"]), subject=shown(entry.source))

    def left_out(self, source: str, folder: str) -> bool:
        """Return whether the list of *folder* says nothing of *source*, even if it lacks it."""
        manifest = self.manifest
        archive = archive_of(source)
        if archive is not None and not folder.startswith(archive):
            # The archive was listed by itself, or could not be; or it is gone.
            return not manifest.archives or archive in manifest.kept
        return left_out(source, folder, Selection(manifest.include, manifest.exclude))

    def gone(self, state: DocumentState, collection: str) -> Iterator[str]:
        """Yield what *state* knows of the sources that somebody saw go, and of all below them."""
        gone = self.manifest.gone
        yield from state.known(collection, gone)
        yield from state.in_doubt(collection, gone)
        for source in gone:
            yield from state.below(collection, source)

    def sent(self) -> frozenset[int]:
        """Return the places whose content came, or will not come."""
        if self.uploads is None or not self.uploads.is_dir():
            return frozenset()
        names = (path.name.partition(".")[0] for path in self.uploads.iterdir())
        return frozenset(int(name) for name in names if name.isdigit())


def read_order(job: Job, data: Path) -> Order:
    """Return what *job* is to ingest, by its manifest or by looking into its folder.

    Args:
        job: The job.
        data: The data generation it belongs to.

    Raises:
        MissingError: If its manifest is gone.
    """
    if "folder" not in job.payload:
        uploads = data / "uploads" / job.id
        return Order(read_manifest(uploads), uploads)
    host = socket.gethostname()
    folder = str(job.payload["folder"])
    inside = os.path.realpath(folder)
    found = find([folder], installation_of(data), Manner(inside=True))
    # Not validated: the limits of a manifest are for those who send one.
    documents = tuple(
        DocumentEntry.model_construct(
            source=uri(host, each.path), size=each.size, mtime_ns=each.mtime_ns
        )
        for each in found.documents
    )
    manifest = Manifest.model_construct(
        collection=str(job.payload["collection"]),
        documents=documents,
        folders=tuple(uri(host, folder) for folder in found.folders),
        prune_empty=bool(job.payload.get("prune_empty")),
    )
    problems = [(uri(host, path), reason) for path, reason in found.problems]
    return Order(manifest, None, problems, inside)
