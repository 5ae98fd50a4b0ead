# SPDX-License-Identifier: Apache-2.0
"""Vectors without a model: every word is hashed to a place and a sign.

Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009. It knows
words, not meanings: good for tests, and where there is no model but dense vectors are wanted.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from .model import Vectors
from .prefixes import Prefixes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSION = 384
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # SplitMix64: Steele, Lea and Flood, OOPSLA 2014
# Which bytes are part of words: letters, digits, and all of other alphabets.
_WORD_BYTES = bytes(
    code in b"abcdefghijklmnopqrstuvwxyz0123456789" or code > 127  # noqa: PLR2004 - beyond ASCII
    for code in range(256)
)
BLOCK_BYTES = 1 << 16  # what fits into the second cache, tables and all


class HashEmbedder:
    """An embedder that needs no model and always gives the same answer."""

    name = "hash"
    prefixes = Prefixes()

    def __init__(self, dimension: int = DIMENSION) -> None:
        """Make vectors of *dimension* numbers."""
        self.dimension = dimension
        self.model = f"hash-{dimension}"

    @classmethod
    def named(cls, model: str) -> Self:
        """Return the one of the name *model*, such as `hash-64`; the usual one for any other."""
        found = re.fullmatch(r"hash-(\d{1,4})", model)
        return cls(int(found[1])) if found and int(found[1]) else cls()

    def identity(self) -> None:
        """Return nothing: a vector is made sooner than it is looked up."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of *texts*, one row each, of length 1."""
        import numpy as np

        blocks = [text.lower().encode(errors="replace") for text in texts]
        rows = np.empty((len(blocks), self.dimension), np.float32)
        begin = size = 0
        for end, block in enumerate(blocks, start=1):
            size += len(block)
            if size >= BLOCK_BYTES or end == len(blocks):
                rows[begin:end] = _embed(blocks[begin:end], self.dimension)
                begin, size = end, 0
        return rows

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question."""
        row: list[float] = self.embed_documents([text])[0].tolist()
        return row

    def close(self) -> None:
        """Do nothing: nothing was opened."""


def word_hashes(text: bytes) -> "NDArray[np.uint64]":
    """Return the hash of each word of *text*, which is in lower case, in order."""
    text += b"\n"
    return _hashes(text, *_words(text))


def _words(text: bytes) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """Return where words begin and end; the last byte of *text* belongs to none."""
    import numpy as np

    inside = np.frombuffer(b"\0" + text.translate(_WORD_BYTES), np.bool_)
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    return edges[::2], edges[1::2]


def _embed(blocks: Sequence[bytes], dimension: int) -> Vectors:
    """Return the vectors of *blocks*, all words of all of them at once."""
    import numpy as np

    text = b"\n".join(blocks) + b"\n"
    starts, ends = _words(text)
    lengths = np.fromiter(map(len, blocks), np.int64, len(blocks)) + 1
    row = np.searchsorted(np.cumsum(lengths), starts, side="right")
    hashes = _hashes(text, starts, ends)
    place = row * dimension + (hashes % np.uint64(dimension)).astype(np.int64)
    sign = np.where(hashes >> np.uint64(63), 1.0, -1.0)
    rows = np.bincount(place, sign, len(blocks) * dimension).reshape(len(blocks), dimension)
    rows[~rows.any(axis=1), 0] = 1.0  # no words: still a direction, the same for all
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _hashes(
    text: bytes, starts: "NDArray[np.int64]", ends: "NDArray[np.int64]"
) -> "NDArray[np.uint64]":
    """Return a hash of each word `text[start:end]`: a polynomial of its bytes, then mixed.

    Differences of one running sum give the polynomials of all words at once; everything is
    modulo 2**64.
    """
    import numpy as np

    data = np.frombuffer(text, np.uint8)
    powers, inverses = _powers(_round(len(data) + 1))
    running = np.zeros(len(data) + 1, np.uint64)
    np.cumsum((data + np.uint64(1)) * powers[: len(data)], out=running[1:])
    value = (running[ends] - running[starts]) * inverses[starts]
    for shift, factor in zip((30, 27), _MIX, strict=True):
        value = (value ^ (value >> np.uint64(shift))) * np.uint64(factor)
    return value ^ (value >> np.uint64(31))


def _round(length: int) -> int:
    """Return the power of two from *length* on, so that few tables are made."""
    return 1 << (length - 1).bit_length()


@lru_cache(maxsize=4)
def _powers(length: int) -> "tuple[NDArray[np.uint64], NDArray[np.uint64]]":
    import numpy as np

    def powers_of(base: int) -> "NDArray[np.uint64]":
        steps = np.full(length, base, np.uint64)
        steps[0] = 1
        return np.cumprod(steps, dtype=np.uint64)

    return powers_of(_BASE), powers_of(_INVERSE)
