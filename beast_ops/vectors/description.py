# SPDX-License-Identifier: Apache-2.0
"""A collection as Qdrant describes it."""

from typing import Any

from .collection import Collection
from .config import HNSW, OPTIMIZER

ONE_NODE = {"shard_number": 1, "replication_factor": 1, "write_consistency_factor": 1}
WAL = {"wal_capacity_mb": 32, "wal_segments_ahead": 0}


def describe(collection: Collection) -> dict[str, Any]:
    """Return what GET /collections/{name} answers."""
    info, body = collection.shard.info(), collection.record.config
    return {
        "status": "green",
        "optimizer_status": "ok",
        "indexed_vectors_count": info.indexed_vectors_count,
        "points_count": info.points_count,
        "segments_count": info.segments_count,
        "config": {
            "params": _params(body),
            "hnsw_config": HNSW | _said(body, "hnsw_config"),
            "optimizer_config": OPTIMIZER | _said(body, "optimizers_config"),
            "wal_config": WAL | _said(body, "wal_config"),
            "quantization_config": body.get("quantization_config"),
            "metadata": body.get("metadata"),
        },
        "payload_schema": {
            name: _index(schema, info.payload_schema[name].points)
            for name, schema in collection.record.indexes.items()
        },
    }


def _said(body: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in (body.get(name) or {}).items() if value is not None}


def _params(body: Any) -> dict[str, Any]:
    params = ONE_NODE | {"vectors": body.get("vectors") or {}}
    params["on_disk_payload"] = body.get("on_disk_payload", True)
    for name in ("sparse_vectors", "payload", "id_tracker"):
        if body.get(name) is not None:
            params[name] = body[name]
    return params


def _index(schema: Any, points: int) -> dict[str, Any]:
    if isinstance(schema, str):
        return {"data_type": schema, "points": points}
    return {"data_type": schema["type"], "params": schema, "points": points}
