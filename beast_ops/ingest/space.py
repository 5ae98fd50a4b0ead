# SPDX-License-Identifier: Apache-2.0
"""What a collection says of its vectors."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from beast_ops.llm import Embedder
from beast_ops.llm.local import KINDS as LOCAL


@dataclass(frozen=True, slots=True)
class Space:
    """Which vectors a collection has and who makes them.

    Attributes:
        embedder: One of `beast_ops.llm.choose.KINDS`, but `auto`.
        model: The embedding model, empty without one.
        dimension: Length of dense vectors; 0 means that there are none.
        language: Language of the lexical index; `None` means that there is none.
        prefixes: What stands before a `document` and a `query`, for models that run here, whose
            folder may say something else one day; `None` if it is what is known of the model.
    """

    embedder: str
    model: str
    dimension: int
    language: str | None
    prefixes: Mapping[str, str] | None = None

    @classmethod
    def of(cls, embedder: Embedder | None, language: str | None) -> Self:
        """Return the space of vectors that *embedder* makes; it may ask the model server."""
        if embedder is None:
            return cls("none", "", 0, language)
        plain = cls(embedder.name, embedder.model, embedder.dimension, language)
        if embedder.name not in LOCAL:
            return plain  # as earlier releases read it, who may be back after a rollback
        return replace(plain, prefixes=asdict(embedder.prefixes))

    def makers(self) -> tuple[str, str, int]:
        """Return what tells its dense vectors from others: embedder, model and dimension."""
        return self.embedder, self.model, self.dimension

    def as_dict(self) -> dict[str, Any]:
        """Return the metadata of the collection."""
        said = {
            "embedder": self.embedder,
            "model": self.model,
            "dimension": self.dimension,
            "language": self.language,
        }
        return said if self.prefixes is None else {**said, "prefixes": dict(self.prefixes)}
