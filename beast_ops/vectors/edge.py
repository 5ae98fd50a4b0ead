# SPDX-License-Identifier: Apache-2.0
"""The one door to the engine: its names, and a shard that speaks in our refusals.

The engine is beta and its interface drifts. It holds the interpreter's lock in every call, so
threads gain nothing: all calls are made from the event loop, in pieces that take milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qdrant_edge as engine

from .errors import RefusedError, broken, missing, wrong

__all__ = ["MEMORY", "Boolean", "Shard", "engine", "refusal"]

MEMORY = {
    "cold": engine.Memory.Cold,
    "cached": engine.Memory.Cached,
    "pinned": engine.Memory.Pinned,
}

OUR_FAULT = re.compile(
    r"^(Service (runtime|internal) error|.*(panicked|I/O|No space left))", re.IGNORECASE
)
NO_SUCH = re.compile(r"^No point with id")


class Boolean:
    """A boolean that the engine's filters take for one.

    `MatchValue(True)` of qdrant-edge-py 0.9.0 means the integer 1, because the binding tries
    integers before booleans and Python's booleans are integers. NumPy's are not, and the binding
    (PyO3) knows them by the name of their type alone. The conformance suite would notice a change.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bool) -> None:  # noqa: FBT001 - a boolean is what this is
        """Stand for *value*."""
        self._value = value

    def __bool__(self) -> bool:
        """Return the value."""
        return self._value


Boolean.__module__, Boolean.__name__, Boolean.__qualname__ = "numpy", "bool_", "bool_"


def refusal(error: Exception) -> RefusedError:
    """Return the engine's *error* as a Qdrant server would answer it."""
    message = str(error)
    if NO_SUCH.match(message):
        return missing(message)
    if OUR_FAULT.match(message):
        return broken(message)
    return wrong(message)


class Shard:
    """One open directory of the engine; the write-ahead log is always on."""

    def __init__(self, shard: engine.EdgeShard) -> None:
        """Wrap an open engine shard."""
        self._shard = shard

    @classmethod
    def create(cls, path: Path, config: engine.EdgeConfig) -> Shard:
        """Create an empty shard in the folder *path*, which must be empty or absent."""
        path.mkdir(parents=True, exist_ok=True)
        return cls(cls._guard(engine.EdgeShard.create, str(path), config))

    @classmethod
    def load(cls, path: Path, config: engine.EdgeConfig | None = None) -> Shard:
        """Open the shard at *path*, replaying its log; *config* replaces its tuning."""
        return cls(cls._guard(engine.EdgeShard.load, str(path), config))

    @staticmethod
    def _guard(call: Any, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except Exception as error:
            raise refusal(error) from error

    def update(self, operation: engine.UpdateOperation) -> None:
        """Apply one operation; it is in the write-ahead log when this returns."""
        self._guard(self._shard.update, operation)

    def query(self, request: engine.QueryRequest) -> list[engine.ScoredPoint]:
        """Return the best points."""
        found: list[engine.ScoredPoint] = self._guard(self._shard.query, request)
        return found

    def scroll(self, request: engine.ScrollRequest) -> tuple[list[engine.Record], Any]:
        """Return a page of points, and the id the next page begins with."""
        page: tuple[list[engine.Record], Any] = self._guard(self._shard.scroll, request)
        return page

    def retrieve(self, ids: Sequence[Any], payload: Any, vector: Any) -> list[engine.Record]:
        """Return the points with these ids, without those that are not there."""
        found: list[engine.Record] = self._guard(self._shard.retrieve, list(ids), payload, vector)
        return found

    def count(self, request: engine.CountRequest) -> int:
        """Return how many points match."""
        return int(self._guard(self._shard.count, request))

    def facet(self, request: engine.FacetRequest) -> list[engine.FacetHit]:
        """Return the commonest values of a payload field."""
        return list(self._guard(self._shard.facet, request))

    def info(self) -> engine.ShardInfo:
        """Return counts and the payload indexes."""
        info: engine.ShardInfo = self._guard(self._shard.info)
        return info

    def optimize(self) -> bool:
        """Rebuild segments and indexes; holds the interpreter for seconds, so only in a child."""
        return bool(self._guard(self._shard.optimize))

    def flush(self) -> None:
        """Write everything to disk and shorten the log."""
        self._guard(self._shard.flush)

    def close(self) -> None:
        """Flush and let go of the directory."""
        self._guard(self._shard.close)
