# SPDX-License-Identifier: Apache-2.0
"""Cut documents into chunks, make vectors of them, and fill batches for the writer."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from beast_ops.errors import DocumentError
from beast_ops.llm import TextError

from .chunk import Chunk, chunk
from .lexical import words_of
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
        source, settings = read.known.source, self._settings
        chunks = chunk(read.document, source, settings.chunk_characters, settings.chunk_overlap)
        digests: dict[str, str] = {}
        for each in chunks:
            payload = _payload(each, read.document, source)
            try:
                digests[each.id] = _digest(payload)
            except TypeError:  # half a surrogate pair, which is in no encoding
                self._refuse(source, "holds characters that cannot be stored")
                return
            if read.old.get(each.id) != digests[each.id]:
                # The last chunk stays back, so that the document ends with its own batch.
                if len(self._points) == settings.batch:
                    self.flush()
                self._points.append((source, Point(each.id, payload)))
        stale = tuple(ident for ident in read.old if ident not in digests)
        self._finished.append(Finished(read.known, digests, stale, read.in_doubt, read.seconds))
        if len(self._points) == settings.batch:
            self.flush()

    def flush(self) -> None:
        """Hand over what there is."""
        if not self._points and not self._finished:
            return
        points, self._points = self._points, []
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
        lexical = self._target.lexical
        sparse = lexical.documents([words_of(p.payload) for _, p in points]) if lexical else None
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
        except TextError as refused:
            for place, reason in refused.reasons.items():
                self._refuse(points[place][0], reason)
            return refused.vectors

    def _refuse(self, source: str, reason: str) -> None:
        if source not in self.refused:
            self.refused.add(source)
            self._failed(source, DocumentError(reason))


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
        **{name: said for name, said in asdict(document.about).items() if said},
    }


def _digest(payload: Mapping[str, Any]) -> str:
    import orjson

    text = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest()
