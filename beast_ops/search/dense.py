# SPDX-License-Identifier: Apache-2.0
"""Turn a question into a vector with the model its collection was made with."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from beast_ops.errors import UnavailableError


class Embedders:
    """The embedders of all collections, made when first needed."""

    def __init__(self, models_url: str | None) -> None:
        """Ask the model server at *models_url*, if there is one."""
        self._models_url = models_url

    async def __aenter__(self) -> Self:
        """Nothing is opened before it is needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what was opened."""

    async def embed(self, metadata: Mapping[str, Any], text: str) -> Sequence[float]:
        """Return the vector of *text* in the space that *metadata* describes.

        Raises:
            UnavailableError: If the model server does not answer, or there is none.
        """
        raise UnavailableError("there is no model server", subject=str(metadata.get("model", "")))
