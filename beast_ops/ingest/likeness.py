# SPDX-License-Identifier: Apache-2.0
"""How alike two texts are, by signatures of a few bytes that are made when documents come in.

A. Broder, "On the resemblance and containment of documents", SEQUENCES 1997: the share of equal
minima of a random order is the share of common shingles. One permutation in bins instead of many:
P. Li, A. Owen, C.-H. Zhang, "One Permutation Hashing", NIPS 2012. Who to compare at all:
J. Leskovec, A. Rajaraman, J. Ullman, "Mining of Massive Datasets", chapter 3.4 (bands).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from beast_ops.llm.hashing import word_hashes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORDS = 5  # of a shingle: fewer, and all English texts are alike
BINS = 64
ROWS = 4  # of a band; with 16 bands, pairs that are 0.9 alike are met in 999,999 of a million cases
EMPTY = 0xFFFFFFFF
LEAST = 3 * BINS  # shingles; below, too many bins are empty to say anything
BAND_MOST = 200  # who share a band; more are a form letter, compared with their first alone


def signature(texts: Iterable[str]) -> bytes:
    """Return the signature of a document made of *texts*; empty if it is too short for one."""
    import numpy as np

    words = word_hashes(" ".join(texts).lower().encode(errors="replace"))
    if len(words) < LEAST + WORDS:
        return b""
    shingles = words[: len(words) - WORDS + 1].copy()
    for place in range(1, WORDS):
        shingles *= np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit is lost
        shingles += words[place : len(words) - WORDS + 1 + place]
    shingles = (shingles ^ (shingles >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    minima = np.full(BINS, EMPTY, np.uint32)
    bins = (shingles >> np.uint64(58)).astype(np.int64)  # the highest 6 bits
    np.minimum.at(minima, bins, (shingles >> np.uint64(20)).astype(np.uint32))
    return minima.astype("<u4").tobytes()


def alike(one: bytes, other: bytes) -> float:
    """Return how alike the documents of two signatures are: the share of common shingles."""
    import numpy as np

    left, right = _read(one), _read(other)
    both = (left != EMPTY) | (right != EMPTY)
    common, all_of_them = int(np.sum((left == right) & both)), int(np.sum(both))
    return common / all_of_them if all_of_them else 0.0


def pairs(signatures: Mapping[str, bytes], least: float) -> Iterator[tuple[float, str, str]]:
    """Yield who is at least so alike (0 to 1), each pair once, with how much.

    Args:
        signatures: What `signature` made, by name.
        least: From where on a pair counts; below 0.7 some may not be met.
    """
    seen: set[tuple[str, str]] = set()
    for members in _bands(signatures):
        near = combinations(members, 2) if len(members) <= BAND_MOST else pairwise(members)
        for one, other in near:
            if (one, other) in seen:
                continue
            seen.add((one, other))
            share = alike(signatures[one], signatures[other])
            if share >= least:
                yield share, one, other


def _bands(signatures: Mapping[str, bytes]) -> Iterator[list[str]]:
    """Yield those who agree in a band, in order."""
    width = ROWS * 4
    for begin in range(0, BINS * 4, width):
        band: dict[bytes, list[str]] = defaultdict(list)
        for name in sorted(signatures):
            if signatures[name]:
                band[signatures[name][begin : begin + width]].append(name)
        yield from (members for members in band.values() if len(members) > 1)


def _read(signed: bytes) -> "NDArray[np.uint32]":
    import numpy as np

    return np.frombuffer(signed, "<u4")
