# SPDX-License-Identifier: Apache-2.0
"""Have documents of this machine read by an installation on it; what `./beast ingest` calls.

The worker never reads what users own: this sends a manifest of what there is, then the content
of what is new, then waits.
"""

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from beast_ops.client import Client, connect
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError
from beast_ops.jobs.client import Show, wait
from beast_ops.jobs.model import Priority
from beast_ops.knowledge import COLLECTION
from beast_ops.place import Place

from .client_upload import Uploads
from .found import Found
from .gather import ORDINARILY, Sources, WebOptions, gathered
from .ignore import EVERYTHING, Selection
from .sources import MARK, named, shown, uri

if TYPE_CHECKING:  # nothing here runs on it
    from beast_ops.client.made.ingest_types import Manifest as Body

AGAIN = "Run the same ingest again: what is done is not done twice."
GOES_ON = "The ingestion goes on without you. To see it, or to end it, run the same ingest again."


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest.

    Attributes:
        collection: Where the documents go.
        prune: Whether documents that are gone from a folder leave the collection.
        prune_empty: Whether all of them leave even if the folder has no documents at all.
        selection: Which files of folders are wanted; what others are known stays as it is.
        archives: Whether archives in folders are looked into.
        name: What the document is called that comes through standard input.
        web: How pages are fetched.
        priority: How urgent it is; if nobody says, a few documents are, and many are not.
    """

    collection: str = COLLECTION
    prune: bool = True
    prune_empty: bool = False
    selection: Selection = EVERYTHING
    archives: bool = False
    name: str = ""
    web: WebOptions = ORDINARILY
    priority: Priority | None = None


def ingest(
    place: Place,
    paths: Sequence[str],
    options: IngestOptions,
    show: Show,
    clock: Clock = SYSTEM,
) -> dict[str, Any]:
    """Have the documents that *paths* name read, and return what became of them.

    Args:
        place: The installation.
        paths: Files, folders, globs, addresses of pages, or `-` for standard input.
        options: How.
        show: Told from time to time how far it is.
        clock: What time it is.

    Returns:
        The contract of `ingest --json`.

    Raises:
        UsageError: If it cannot be meant so, as with a pattern that is none.
        NotDeployedError: If nothing is deployed there.
        UnavailableError: If the API does not answer.
        ServiceError: If the ingestion failed as a whole.
    """
    begun = clock.monotonic()
    sources = Sources(paths, options.selection, options.archives, options.name, options.web)
    show({"phase": "finding"})
    with connect(place) as api, gathered(sources, place.root, show) as found:
        answer = deliver(api, found, options, show, clock)
    return {**answer, "seconds": round(clock.monotonic() - begun, 3)}


def deliver(
    api: Client, found: Found, options: IngestOptions, show: Show, clock: Clock = SYSTEM
) -> dict[str, Any]:
    """Have what was *found* read, as `ingest` does, which tells the rest.

    Args:
        api: Where to.
        found: What there is.
        options: How.
        show: Told from time to time how far it is.
        clock: What time it is.
    """
    begun = clock.monotonic()
    result = _nothing(options.collection)
    if found.documents or found.folders or found.gone:
        result = _Errand(api, found, options, show, clock).run()
    return _with_problems(result, found.problems, clock.monotonic() - begun)


class _Errand:
    """One ingestion, seen from the client."""

    def __init__(
        self, api: Client, found: Found, options: IngestOptions, show: Show, clock: Clock
    ) -> None:
        self._api, self._found, self._options = api, found, options
        self._show, self._clock = show, clock

    def run(self) -> dict[str, Any]:
        opened = self._api.ingest.open(cast("Body", self._manifest()))
        job = str(opened["job"])
        if opened["wanted"]:
            self._upload(job, opened["wanted"])
        try:
            return wait(lambda: self._api.ingest.get(job), self._show, AGAIN, self._clock)
        except KeyboardInterrupt:
            self._show({"phase": "note", "text": GOES_ON})
            raise

    def _manifest(self) -> dict[str, Any]:
        host = socket.gethostname()
        prune, priority = self._options.prune, self._options.priority
        problems = (path for path, _ in self._found.problems)
        return {
            "collection": self._options.collection,
            **({"priority": priority} if priority else {}),
            "documents": [
                {
                    "source": each.source(host),
                    "size": each.size,
                    "mtime_ns": each.mtime_ns,
                    "suffix": each.suffix(),
                }
                for each in self._found.documents
            ],
            "folders": [uri(host, folder) for folder in self._found.folders if prune],
            "kept": [named(host, path) for path in [*self._found.kept, *problems]],
            "gone": [
                uri(host, f"{path}{mark}")
                for path in self._found.gone
                for mark in ("", MARK)
                if prune
            ],
            "include": self._options.selection.include,
            "exclude": self._options.selection.exclude,
            "archives": self._options.archives,
            "prune_empty": self._options.prune_empty,
        }

    def _upload(self, job: str, wanted: Sequence[int]) -> None:
        """Send what is *wanted* and start the job; a job that was not started is taken back."""
        try:
            Uploads(self._api, job, self._found.documents, self._show).send(wanted)
            self._api.ingest.start(job)
        except BaseException:
            with suppress(BeastError):
                self._api.ingest.cancel(job)
            raise


def _nothing(collection: str) -> dict[str, Any]:
    counts = dict.fromkeys(("seen", "ingested", "unchanged", "deleted", "failed"), 0)
    return {
        "collection": collection,
        "documents": counts,
        "chunks": 0,
        "seconds": 0.0,
        "results": [],
    }


def _with_problems(
    result: Mapping[str, Any], problems: Sequence[tuple[str, str]], seconds: float
) -> dict[str, Any]:
    """Return *result* with a failed line for each of *problems* before the others."""
    lines = [
        {"path": shown(named("", path)), "ok": False, "chunks": 0, "error": reason, "seconds": 0.0}
        for path, reason in problems
    ]
    counts = dict(result["documents"])
    for name in ("seen", "failed"):
        counts[name] += len(lines)
    return {
        **result,
        "documents": counts,
        "seconds": round(seconds, 3),
        "results": [*lines, *result["results"]],
    }
