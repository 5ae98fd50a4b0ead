# SPDX-License-Identifier: Apache-2.0
"""The worker's memory of vectors, and what is said of how they came to be."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from beast_ops.llm.cache import VectorCache
from beast_ops.llm.cached import CachedEmbedder

from .settings import Surroundings
from .target import Target

MIB = 1 << 20
CUT = (
    "longer than the embedding model reads at once: {}; each was embedded in pieces, and found"
    " by the mean of them"
)


@contextmanager
def remembering(target: Target, around: Surroundings) -> Iterator[Target]:
    """Give *target* with an embedder that makes no vector twice, where that is worth it."""
    most = around.settings.embed_cache_megabytes * MIB
    if target.embedder is None or not most or target.embedder.identity() is None:
        yield target
        return
    with VectorCache(around.embeddings, most) as cache:
        yield replace(target, embedder=CachedEmbedder(target.embedder, cache))


def note_of(read: str | None, cut: int) -> str | None:
    """Return what a document's owner should know: what was said on reading it, and of its length.

    Args:
        read: What was said on reading.
        cut: How many of its passages are longer than the model reads.
    """
    long = CUT.format(f"{cut} passage{'' if cut == 1 else 's'}") if cut else None
    return "; ".join(filter(None, (read, long))) or None
