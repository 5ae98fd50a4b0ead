# SPDX-License-Identifier: Apache-2.0
"""Sparse vectors after BM25: the words of a text, weighted; made the same way for questions.

Qdrant's own encoder does it, so the vectors fit any Qdrant; how rare a word is (IDF) is up to
the collection.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from beast_ops.errors import SettingsError

if TYPE_CHECKING:
    from qdrant_edge import Bm25

LANGUAGE = "english"
AVERAGE = 100.0  # words in a chunk of 1200 characters, without stop words: the corpus of the tests
LANGUAGES = (
    "arabic", "basque", "catalan", "chinese", "danish", "dutch", "english", "finnish", "french",
    "german", "greek", "hebrew", "hungarian", "italian", "japanese", "norwegian", "portuguese",
    "romanian", "russian", "spanish", "swedish", "turkish",
)  # fmt: skip

Sparse = tuple[list[int], list[float]]


class Bm25Encoder:
    """Makes sparse vectors of texts in one language."""

    def __init__(self, language: str = LANGUAGE, average: float = AVERAGE) -> None:
        """Make an encoder.

        Args:
            language: Whose words are stemmed and whose stop words left out.
            average: How many words a text has on average.

        Raises:
            SettingsError: If the language is unknown.
        """
        self._bm25 = _bm25(language, average)

    def document(self, text: str) -> Sparse:
        """Return indices and values of a *text* to be found; both empty if it has no words."""
        vector = self._bm25.embed_document(text)
        return vector.indices, vector.values

    def documents(self, texts: Sequence[str]) -> list[Sparse]:
        """Return what `document` returns, for each of *texts*."""
        embed = self._bm25.embed_document
        return [(vector.indices, vector.values) for vector in map(embed, texts)]

    def query(self, text: str) -> Sparse:
        """Return indices and values of a question; both empty if it has no words."""
        vector = self._bm25.embed_query(text)
        return vector.indices, vector.values


@lru_cache(maxsize=32)
def _bm25(language: str, average: float) -> "Bm25":
    from qdrant_edge import Bm25, Bm25Config

    try:
        return Bm25(Bm25Config(language=language, avg_len=average))
    except ValueError as unknown:
        raise SettingsError(
            "there is no lexical index in this language",
            subject=language,
            hint=f"Known are: {', '.join(LANGUAGES)}.",
        ) from unknown
