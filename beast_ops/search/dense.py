# SPDX-License-Identifier: Apache-2.0
"""Turn a question into a vector with the model its collection was made with."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, UnavailableError
from beast_ops.health.engine import aside
from beast_ops.llm import Embedder, embedder_of

SECONDS = 5.0  # whoever searches rather has words now than meaning later
AT_ONCE = 4  # a model server works them off one after the other anyway
REST_SECONDS = 10.0  # after a failure nobody waits for the model server so long

KEYS = ("embedder", "model", "dimension", "prefixes")  # whoever shares them shares an embedder

Key = tuple[str, ...]


@runtime_checkable
class _Closing(Protocol):
    """An embedder with connections, which may have to wait."""

    def close(self) -> None:
        """Close them."""
        ...


class Embedders:
    """The embedders of all collections, each made when first needed and then kept."""

    def __init__(
        self,
        models_url: str | None,
        clock: Clock = SYSTEM,
        folder: Callable[[], str] = lambda: "",
    ) -> None:
        """Make vectors with what is there.

        Args:
            models_url: Where the model server is, if there is one.
            clock: Tells when to ask again.
            folder: Tells where models lie that run here; empty if nowhere.
        """
        self._models_url, self._clock, self._folder = models_url, clock, folder
        self._made: dict[Key, Embedder] = {}
        self._failed: dict[Key, tuple[float, BeastError]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def embed(self, metadata: Mapping[str, Any], text: str) -> Sequence[float]:
        """Return the vector of *text* in the space that *metadata* describes.

        After a failure the same answer is given for `REST_SECONDS` without asking again: a
        model server that is away must not make every search wait for it.

        Raises:
            UnavailableError: If the model server does not answer in time.
            BeastError: If there is no model server, it refuses, or the embedder is unknown.
        """
        key = tuple(str(metadata.get(name)) for name in KEYS)
        until, failure = self._failed.get(key, (0.0, None))
        if failure is not None and self._clock.monotonic() < until:
            raise failure.with_traceback(None)  # else it would grow with every search
        self._failed.pop(key, None)
        try:
            return await self._ask(self._embedder(key, metadata), text)
        except BeastError as failed:
            self._failed[key] = (self._clock.monotonic() + REST_SECONDS, failed)
            raise

    def close(self) -> None:
        """Close the connections to model servers."""
        for embedder in self._made.values():
            if isinstance(embedder, _Closing):
                embedder.close()

    async def _ask(self, embedder: Embedder, text: str) -> Sequence[float]:
        if not isinstance(embedder, _Closing):  # it asks nobody: 0.1 ms, less than a thread costs
            return embedder.embed_query(text)
        try:
            async with asyncio.timeout(SECONDS), self._turn:
                # In a daemon thread: one that waits for a dead server must not delay our end.
                return await aside(lambda: embedder.embed_query(text))
        except TimeoutError as late:
            raise UnavailableError(
                f"the model server took longer than {SECONDS:g} s", subject=embedder.model
            ) from late

    def _embedder(self, key: Key, metadata: Mapping[str, Any]) -> Embedder:
        if key not in self._made:
            embedder = embedder_of(metadata, self._models_url, self._folder())
            if embedder is None:
                raise UnavailableError("nothing is known that made the vectors of this collection")
            self._made[key] = embedder
        return self._made[key]
