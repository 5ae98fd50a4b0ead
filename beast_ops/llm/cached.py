# SPDX-License-Identifier: Apache-2.0
"""An embedder that makes no vector twice: not of texts it made before, nor of equal ones."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .cache import VectorCache
from .model import Embedder, TextError, Vectors
from .prefixes import Prefixes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Made:
    """A vector, or why there is none."""

    vector: "NDArray[np.float32] | None"
    reason: str = ""
    long: bool = False


@dataclass(slots=True)
class _Claim:
    """Which vectors of a batch are known, which are ours to make, which another thread makes."""

    known: dict[bytes, _Made] = field(default_factory=dict)
    ours: dict[bytes, str] = field(default_factory=dict)
    others: "dict[bytes, Future[_Made]]" = field(default_factory=dict)


class CachedEmbedder:
    """An embedder beside a cache; one for all threads.

    Attributes:
        made: How many vectors were made.
        spared: How many were not: they were known, or of a text equal to one in the making.
    """

    def __init__(self, inner: Embedder, cache: VectorCache) -> None:
        """Ask *inner* for what *cache* does not know; neither is closed by `close` but *inner*."""
        self._inner, self._cache = inner, cache
        self._identity = inner.identity()
        self._lock = threading.Lock()
        self._flying: dict[bytes, Future[_Made]] = {}
        self.made = self.spared = 0

    @property
    def name(self) -> str:
        """What kind it is."""
        return self._inner.name

    @property
    def model(self) -> str:
        """Which model it uses."""
        return self._inner.model

    @property
    def dimension(self) -> int:
        """How many numbers a vector has; may ask the model server once."""
        return self._inner.dimension

    @property
    def prefixes(self) -> Prefixes:
        """What it puts before documents and questions."""
        return self._inner.prefixes

    def identity(self) -> str | None:
        """Return what decides a document's vector besides its text, as it was last known."""
        return self._identity

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question, which is not kept; raises as `embed_documents` does."""
        return self._inner.embed_query(text)

    def close(self) -> None:
        """Close what was opened for it."""
        self._inner.close()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of *texts*, one row each; raises as those of the inner one do."""
        identity = self._identity
        if identity is None:
            self._count(len(texts), len(texts))
            return self._inner.embed_documents(texts)
        keys = [_key(identity, text) for text in texts]
        claim = self._claim(keys, texts)
        self._count(len(texts), len(claim.ours))
        found = claim.known | self._make(claim.ours, identity)
        found |= {key: flying.result() for key, flying in claim.others.items()}
        return _joined([found[key] for key in keys])

    def _count(self, asked: int, made: int) -> None:
        with self._lock:
            self.made += made
            self.spared += asked - made

    def _claim(self, keys: Sequence[bytes], texts: Sequence[str]) -> _Claim:
        """Return who makes what; under one lock, so that nobody makes what was just made."""
        with self._lock:
            known = self._cache.get(set(keys))
            claim = _Claim({key: _Made(vector) for key, vector in known.items()})
            for key, text in zip(keys, texts, strict=True):
                if key in claim.known or key in claim.ours:
                    continue
                if (flying := self._flying.get(key)) is not None:
                    claim.others[key] = flying
                else:
                    claim.ours[key] = text
                    self._flying[key] = Future()
        return claim

    def _make(self, ours: Mapping[bytes, str], identity: str) -> dict[bytes, _Made]:
        if not ours:
            return {}
        try:
            made = dict(zip(ours, _embed(self._inner, list(ours.values())), strict=True))
            self._keep(made, identity)
        except BaseException as failed:
            for key in ours:
                self._landed(key).set_exception(failed)
            raise
        for key, one in made.items():
            self._landed(key).set_result(one)
        return made

    def _landed(self, key: bytes) -> "Future[_Made]":
        with self._lock:
            return self._flying.pop(key)

    def _keep(self, made: Mapping[bytes, _Made], identity: str) -> None:
        """Keep what was made, unless the model became another one in the meantime."""
        now = self._inner.identity()
        if now == identity:
            kept = {key: one.vector for key, one in made.items() if one.vector is not None}
            self._cache.put(kept)
        self._identity = now


def _key(identity: str, text: str) -> bytes:
    said = f"{identity}\0{text}".encode(errors="surrogatepass")
    return hashlib.blake2b(said, digest_size=KEY_BYTES).digest()


def _embed(embedder: Embedder, texts: Sequence[str]) -> list[_Made]:
    try:
        return [_Made(vector) for vector in embedder.embed_documents(texts)]
    except TextError as refused:
        return [
            _Made(None, refused.reasons[place], place in refused.long)
            if place in refused.reasons
            else _Made(vector)
            for place, vector in enumerate(refused.vectors)
        ]


def _joined(made: Sequence[_Made]) -> Vectors:
    """Return the vectors as rows.

    Raises:
        TextError: If some are missing.
    """
    import numpy as np

    width = next((len(one.vector) for one in made if one.vector is not None), 0)
    rows: Vectors = np.zeros((len(made), width), np.float32)
    for place, one in enumerate(made):
        if one.vector is not None:
            rows[place] = one.vector
    if reasons := {place: one.reason for place, one in enumerate(made) if one.vector is None}:
        raise TextError(reasons, rows, {place for place in reasons if made[place].long})
    return rows
