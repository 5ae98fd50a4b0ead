# SPDX-License-Identifier: Apache-2.0
"""The engine's answers as Qdrant's JSON."""

from __future__ import annotations

from typing import Any

from .edge import engine


def vector(value: Any) -> Any:
    """Return vectors as JSON: a bare list for the unnamed one alone."""
    if isinstance(value, dict):
        return {name: vector(each) for name, each in value.items()}
    if isinstance(value, engine.SparseVector):
        return {"indices": value.indices, "values": value.values}
    return value


def _with_vector(found: dict[str, Any], value: Any) -> dict[str, Any]:
    if value is not None:
        found["vector"] = vector(value)
    return found


def record(point: engine.Record) -> dict[str, Any]:
    """Return a point as scroll and retrieve answer it."""
    found: dict[str, Any] = {"id": point.id, "payload": point.payload}
    if point.order_value is not None:
        found["order_value"] = point.order_value
    return _with_vector(found, point.vector)


def scored(point: engine.ScoredPoint) -> dict[str, Any]:
    """Return a point as a query answers it."""
    found: dict[str, Any] = {"id": point.id, "version": point.version, "score": point.score}
    if point.payload is not None:
        found["payload"] = point.payload
    if point.order_value is not None:
        found["order_value"] = point.order_value
    return _with_vector(found, point.vector)
