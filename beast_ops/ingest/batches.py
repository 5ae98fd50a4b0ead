# SPDX-License-Identifier: Apache-2.0
"""Cut documents into chunks, make vectors of them, and fill batches for the writer."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beast_ops.errors import DocumentError
from beast_ops.llm import TextError

from .chunk import Chunk, chunk
from .parse import Document
from .settings import WorkerSettings
from .sources import shown
from .state import Known
from .store import Point
from .target import Target
from .writer import Batch, Finished

DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Read:
    """A document that was read.

    Attributes:
        known: What is to be known of it, still without chunks.
        document: Its text.
        before: What was known of it.
        in_doubt: Whether chunks of it may be stored that nobody knows.
        seconds: How long it took to read.
    """

    known: Known
    document: Document
    before: Known | None
    in_doubt: bool
    seconds: float


class Batches:
    """Collects the chunks of documents until there are enough for a batch."""

    def __init__(
        self,
        target: Target,
        settings: WorkerSettings,
        put: Callable[[Batch], None],
        failed: Callable[[str, DocumentError], None],
    ) -> None:
        """Hand batches to *put*; tell *failed* which documents cannot be embedded."""
        self._target, self._settings, self._put, self._failed = target, settings, put, failed
        self._points: list[tuple[str, Point]] = []
        self._finished: list[Finished] = []
        self.refused: set[str] = set()

    def add(self, read: Read) -> None:
        """Add the chunks of *read* that are new or changed."""
        known = read.known
        settings = self._settings
        chunks = chunk(
            read.document, known.source, settings.chunk_characters, settings.chunk_overlap
        )
        payloads = {each.id: _payload(each, read.document, known.source) for each in chunks}
        digests = {ident: _digest(payload) for ident, payload in payloads.items()}
        before = read.before.chunks if read.before is not None else {}
        for ident, payload in payloads.items():
            if before.get(ident) != digests[ident]:
                self._points.append((known.source, Point(ident, payload)))
                # The last chunk stays back, so that the document ends with its own batch.
                if len(self._points) > settings.batch:
                    self._hand_over(settings.batch)
        stale = tuple(ident for ident in before if ident not in digests)
        whole = Known(
            source=known.source,
            size=known.size,
            mtime_ns=known.mtime_ns,
            sha256=known.sha256,
            chunks=digests,
            job=known.job,
        )
        self._finished.append(Finished(whole, stale, read.in_doubt, read.seconds))
        if len(self._points) >= settings.batch:
            self.flush()

    def flush(self) -> None:
        """Hand over what there is."""
        if self._points or self._finished:
            self._hand_over(len(self._points))

    def _hand_over(self, count: int) -> None:
        points, self._points = self._points[:count], self._points[count:]
        finished, self._finished = self._finished, []
        embedded = self._embed(points)
        sources = {source for source, _ in points} | {each.known.source for each in finished}
        self._put(
            Batch(
                points=embedded,
                sources=frozenset(sources - self.refused),
                finished=[each for each in finished if each.known.source not in self.refused],
            )
        )

    def _embed(self, points: Sequence[tuple[str, Point]]) -> list[Point]:
        if not points:
            return []
        texts = [str(point.payload["text"]) for _, point in points]
        sparse = self._target.lexical.documents(texts) if self._target.lexical else None
        dense = self._dense(points, texts)
        return [
            Point(
                point.id,
                point.payload,
                sparse[place] if sparse is not None else None,
                dense[place] if dense is not None else None,
            )
            for place, (source, point) in enumerate(points)
            if source not in self.refused
        ]

    def _dense(self, points: Sequence[tuple[str, Point]], texts: list[str]) -> Any:
        """Return the dense vectors of *texts*; a text the model refuses costs its document."""
        embedder = self._target.embedder
        if embedder is None:
            return None
        try:
            return embedder.embed_documents(texts)
        except TextError as some:
            for place, reason in some.reasons.items():
                source = points[place][0]
                if source not in self.refused:
                    self.refused.add(source)
                    self._failed(source, DocumentError(reason, subject=source))
            return some.vectors


def _payload(each: Chunk, document: Document, source: str) -> Mapping[str, Any]:
    """Return what is stored with a chunk; the same document gives the same, always."""
    return {
        "text": each.text,
        "source": source,
        "path": shown(source),
        "type": document.type,
        "title": document.title,
        "heading": list(each.heading),
        "page": each.page,
        "position": each.position,
    }


def _digest(payload: Mapping[str, Any]) -> str:
    import orjson

    text = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest()
