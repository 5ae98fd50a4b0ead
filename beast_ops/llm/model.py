# SPDX-License-Identifier: Apache-2.0
"""What an embedder is."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from beast_ops.errors import DocumentError

from .prefixes import Prefixes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
else:
    Vectors = Any  # numpy takes 0.1 s to load


class Embedder(Protocol):
    """Turns texts into vectors of one length; texts that mean the same lie close together."""

    @property
    def name(self) -> str:
        """What kind it is: one of `choose.KINDS`."""
        ...

    @property
    def model(self) -> str:
        """Which of its models it uses; vectors of different models cannot be compared."""
        ...

    @property
    def dimension(self) -> int:
        """How many numbers a vector has; may ask the model server once."""
        ...

    @property
    def prefixes(self) -> Prefixes:
        """What it puts before documents and questions."""
        ...

    def identity(self) -> str | None:
        """Return what decides a document's vector besides its text, as it is just now.

        That is the digest of the weights, for a name may stand for others tomorrow, and the
        prefix. `None` if it is not known, or if to remember a vector costs more than to make it.
        """
        ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of *texts*, one row each.

        Raises:
            TextError: If some of them cannot be embedded; it carries the vectors of the others.
            UnavailableError: If the model server does not answer.
            ServiceError: If it refuses.
        """
        ...

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question; raises as `embed_documents` does."""
        ...

    def close(self) -> None:
        """Close what was opened for it."""
        ...


class TextError(DocumentError):
    """Some texts of a batch cannot be embedded."""

    def __init__(
        self, reasons: Mapping[int, str], vectors: Vectors, long: Collection[int] = ()
    ) -> None:
        """Say which texts by their place in the batch, with the *vectors* of all.

        Args:
            reasons: Why, by place; at least one.
            vectors: One row per text of the batch; those of the named are zero.
            long: Which of them are merely longer than the model reads at once.
        """
        super().__init__(next(iter(reasons.values())))
        self.reasons, self.vectors, self.long = reasons, vectors, frozenset(long)
