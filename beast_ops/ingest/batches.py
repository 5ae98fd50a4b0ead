# SPDX-License-Identifier: Apache-2.0
"""Cut documents into chunks and fill batches, which get their vectors and then are stored."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from beast_ops.errors import DocumentError

from .chunk import Chunk, chunk
from .embedding import Embedded
from .likeness import signature
from .parse import Document
from .settings import WorkerSettings
from .sources import shown
from .state import Known
from .store import Point
from .writer import Batch, Finished

DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Read:
    """A document that was read.

    Attributes:
        known: What is to be known of it, still without chunks.
        document: Its text.
        old: A digest of each chunk it had, by chunk id; empty for chunks to be written anew.
        in_doubt: Whether chunks of it may be stored that nobody knows.
        seconds: How long it took to read.
    """

    known: Known
    document: Document
    old: Mapping[str, str]
    in_doubt: bool
    seconds: float


class Batches:
    """Collects the chunks of documents until there are enough for a batch."""

    def __init__(
        self,
        settings: WorkerSettings,
        begin: Callable[[Sequence[tuple[str, Point]]], Callable[[], Embedded]],
        put: Callable[[Callable[[], Batch]], None],
        failed: Callable[[str, DocumentError], None],
    ) -> None:
        """Collect as *settings* say.

        Args:
            settings: How documents are cut, and how large a batch is.
            begin: Begins to make vectors of points; returns what waits for them.
            put: Takes batches in order, each as what waits for its vectors.
            failed: Told which documents cannot be stored; called where batches are waited for,
                too.
        """
        self._settings, self._begin, self._put, self._failed = settings, begin, put, failed
        self._points: list[tuple[str, Point]] = []
        self._finished: list[Finished] = []
        self._cut: Counter[str] = Counter()  # of documents that have not ended yet
        self.refused: set[str] = set()

    def add(self, read: Read) -> int:
        """Add the chunks of *read* that are new or changed; return how many these are."""
        source, settings = read.known.source, self._settings
        chunks = chunk(read.document, source, settings.chunk_characters, settings.chunk_overlap)
        digests: dict[str, str] = {}
        new = 0
        dated = {"modified": modified(read.known.mtime_ns)}
        shared = _shared(read.document, source)
        for each in chunks:
            payload = {"text": each.text, **shared, **_own(each)}
            try:
                digests[each.id] = digest_of(payload)
            except TypeError:  # half a surrogate pair, which is in no encoding
                self._refuse(source, "holds characters that cannot be stored")
                return new
            if read.old.get(each.id) != digests[each.id]:
                # The last chunk stays back, so that the document ends with its own batch.
                if len(self._points) == settings.batch:
                    self.flush()
                self._points.append((source, Point(each.id, {**payload, **dated})))
                new += 1
        known = replace(
            read.known, signature=signature(section.text for section in read.document.sections)
        )
        stale = tuple(ident for ident in read.old if ident not in digests)
        kept = any(read.old.get(ident) == digest for ident, digest in digests.items())
        news = dated if kept else None
        self._finished.append(Finished(known, digests, stale, read.in_doubt, read.seconds, news))
        if len(self._points) == settings.batch:
            self.flush()
        return new

    def flush(self) -> None:
        """Hand over what there is."""
        if not self._points and not self._finished:
            return
        points, self._points = self._points, []
        finished, self._finished = self._finished, []
        vectors = self._begin(points)
        self._put(lambda: self._batch(vectors(), finished))

    def _batch(self, made: Embedded, finished: Sequence[Finished]) -> Batch:
        """Return what is to be stored; a text the model refuses costs its whole document."""
        for place, reason in made.reasons.items():
            self._refuse(made.points[place][0], reason)
        self._cut.update(made.points[place][0] for place in made.cut)
        sources = {source for source, _ in made.points} | {each.known.source for each in finished}
        return Batch(
            points=[point for source, point in made.points if source not in self.refused],
            sources=frozenset(sources - self.refused),
            finished=[
                replace(each, cut=self._cut.pop(each.known.source, 0))
                for each in finished
                if each.known.source not in self.refused
            ],
        )

    def _refuse(self, source: str, reason: str) -> None:
        if source not in self.refused:
            self.refused.add(source)
            self._failed(source, DocumentError(reason))


def _shared(document: Document, source: str) -> Mapping[str, Any]:
    """Return what is stored with every chunk of a document; the same gives the same, always."""
    return {
        **place_of(source),
        "type": document.type,
        "title": document.title,
        **{name: said for name, said in asdict(document.about).items() if said},
    }


def _own(each: Chunk) -> Mapping[str, Any]:
    """Return what is stored with one chunk beside its text."""
    return {"heading": list(each.heading), "page": each.page, "position": each.position}


def modified(mtime_ns: int) -> str | None:
    """Return when a file was last changed, as RFC 3339 in UTC; nothing if no calendar knows.

    It is no part of a chunk's digest: a date alone is no reason to make its vectors again.
    """
    try:
        return datetime.fromtimestamp(mtime_ns // 10**9, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def place_of(source: str) -> Mapping[str, str]:
    """Return what a chunk's payload says of where its document *source* is."""
    return {"source": source, "path": shown(source)}


def digest_of(payload: Mapping[str, Any]) -> str:
    """Return by what a chunk is known to be unchanged; its date is no part of it.

    Raises:
        TypeError: If a text is no Unicode.
    """
    import orjson

    told = {name: said for name, said in payload.items() if name != "modified"}
    text = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest()
