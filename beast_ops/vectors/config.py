# SPDX-License-Identifier: Apache-2.0
"""What a collection is made of: its creation body, judged, and as the engine's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .edge import MEMORY, engine
from .errors import invalid, unsupported, wrong
from .fields import Fields, expect
from .quantization import quantization

# Qdrant's defaults: config/config.yaml of the server.
HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000, "max_indexing_threads": 0}
OPTIMIZER = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "indexing_threshold": 10_000,
    "flush_interval_sec": 5,
}
MAX_SIZE = 65_536  # dimensions, the server's limit

DISTANCES = {
    "Cosine": engine.Distance.Cosine,
    "Euclid": engine.Distance.Euclid,
    "Dot": engine.Distance.Dot,
    "Manhattan": engine.Distance.Manhattan,
}
DATATYPES = {
    "float32": engine.VectorStorageDatatype.Float32,
    "float16": engine.VectorStorageDatatype.Float16,
    "uint8": engine.VectorStorageDatatype.Uint8,
}
MODIFIERS = {"none": None, "idf": engine.Modifier.Idf}
COMPARATORS = {"max_sim": engine.MultiVectorComparator.MaxSim}


@dataclass(frozen=True, slots=True)
class Schema:
    """What a point may carry: dense vectors with their length, which are multi, and sparse ones."""

    dense: Mapping[str, int]
    multi: frozenset[str]
    sparse: frozenset[str]


@dataclass(frozen=True, slots=True)
class Config:
    """A collection's configuration in both languages, and what points it admits."""

    body: Mapping[str, Any]  # as the client sent it, judged
    engine: engine.EdgeConfig
    schema: Schema


def read_config(body: Any) -> Config:
    """Return the judged body of a collection's creation.

    Raises:
        RefusedError: If a field is unknown, wrong, or asks for what a single process cannot do.
    """
    fields = Fields(body, "")
    single_node(fields)
    dense = fields.read("vectors", vectors) or {}
    sparse = fields.read("sparse_vectors", sparse_vectors) or {}
    if both := dense.keys() & sparse.keys():
        raise wrong(f"vector name {min(both)!r} is used for a dense and a sparse vector")
    if not dense and not sparse:
        raise unsupported("a collection without vectors")
    config = engine.EdgeConfig(
        vectors=dense,
        sparse_vectors=sparse,
        on_disk_payload=fields.take("on_disk_payload", bool),
        payload_memory=fields.read("payload", placement),
        id_tracker_memory=fields.read("id_tracker", placement),
        hnsw_config=fields.read("hnsw_config", hnsw),
        quantization_config=fields.read("quantization_config", quantization),
        optimizers=fields.read("optimizers_config", optimizers),
        wal_enabled=True,
    )
    fields.read("wal_config", wal)
    fields.read("strict_mode_config", strict_mode)
    fields.take("metadata", dict)
    fields.done()
    multi = frozenset(name for name, each in dense.items() if each.multivector_config)
    sizes = {name: each.size for name, each in dense.items()}
    return Config(body, config, Schema(sizes, multi, frozenset(sparse)))


def single_node(fields: Fields) -> None:
    """Take the settings that only mean something to several servers; one of each is what we are."""
    for name in ("shard_number", "replication_factor", "write_consistency_factor"):
        if fields.number(name, 1, 1) != 1:
            raise unsupported(f"{name} other than 1")
    if fields.take("sharding_method", str, "auto") != "auto":
        raise unsupported("custom sharding")


def vectors(value: Any, where: str) -> dict[str, engine.EdgeVectorParams]:
    """Return the dense vectors by name; the unnamed one is called ''."""
    if isinstance(value, dict) and isinstance(value.get("size"), int):
        return {"": vector(value, where)}
    names = expect(value, dict, where)
    return {name: vector(each, f"{where}.{name}") for name, each in names.items()}


def vector(value: Any, where: str) -> engine.EdgeVectorParams:
    """Return one dense vector's parameters."""
    fields = Fields(value, where)
    size = fields.need("size", int)
    if not 1 <= size <= MAX_SIZE:
        raise invalid(f"{where}.size: value {size} invalid, must be from 1 to {MAX_SIZE}")
    params = engine.EdgeVectorParams(
        size=size,
        distance=fields.need_in("distance", DISTANCES),
        on_disk=fields.take("on_disk", bool),
        memory=fields.choice("memory", MEMORY),
        datatype=fields.choice("datatype", DATATYPES),
        hnsw_config=fields.read("hnsw_config", hnsw),
        quantization_config=fields.read("quantization_config", quantization),
        multivector_config=fields.read("multivector_config", multivector),
    )
    fields.done()
    return params


def multivector(value: Any, where: str) -> engine.MultiVectorConfig:
    """Return how several vectors of one point are compared."""
    fields = Fields(value, where)
    comparator = fields.need_in("comparator", COMPARATORS)
    fields.done()
    return engine.MultiVectorConfig(comparator)


def sparse_vectors(value: Any, where: str) -> dict[str, engine.EdgeSparseVectorParams]:
    """Return the sparse vectors by name."""
    names = expect(value, dict, where)
    return {name: sparse_vector(each, f"{where}.{name}") for name, each in names.items()}


def sparse_vector(value: Any, where: str) -> engine.EdgeSparseVectorParams:
    """Return one sparse vector's parameters."""
    fields = Fields(value, where)
    index = Fields(fields.take("index", dict, {}), f"{where}.index")
    params = engine.EdgeSparseVectorParams(
        modifier=fields.choice("modifier", MODIFIERS),
        full_scan_threshold=index.number("full_scan_threshold", 0),
        on_disk=index.take("on_disk", bool),
        memory=index.choice("memory", MEMORY),
        datatype=index.choice("datatype", DATATYPES),
    )
    index.done()
    fields.done()
    return params


def hnsw(value: Any, where: str) -> engine.HnswIndexConfig:
    """Return the graph's parameters, the server's defaults where nothing is said."""
    fields = Fields(value, where)
    numbers = {name: fields.number(name, 0, default) for name, default in HNSW.items()}
    config = engine.HnswIndexConfig(
        **numbers,
        on_disk=fields.take("on_disk", bool),
        memory=fields.choice("memory", MEMORY),
        payload_m=fields.number("payload_m", 0),
        inline_storage=fields.take("inline_storage", bool),
    )
    fields.done()
    return config


def optimizers(value: Any, where: str) -> engine.EdgeOptimizersConfig:
    """Return the optimizer's parameters; when it runs is this process's own business."""
    fields = Fields(value, where)
    config = engine.EdgeOptimizersConfig(
        deleted_threshold=fields.take("deleted_threshold", float),
        vacuum_min_vector_number=fields.number("vacuum_min_vector_number", 0),
        default_segment_number=fields.number("default_segment_number", 0),
        max_segment_size=fields.number("max_segment_size", 0),
        indexing_threshold=fields.number("indexing_threshold", 0),
        prevent_unoptimized=None,
    )
    if fields.take("prevent_unoptimized", bool, default=False):
        raise unsupported("prevent_unoptimized")
    for tuning in ("memmap_threshold", "flush_interval_sec"):
        fields.number(tuning, 0)
    threads = fields.raw("max_optimization_threads")
    if threads not in {None, "auto"}:
        expect(threads, int, fields.at("max_optimization_threads"))
    fields.done()
    return config


def placement(value: Any, where: str) -> Any:
    """Return where in memory something lives."""
    fields = Fields(value, where)
    chosen = fields.choice("memory", MEMORY)
    fields.done()
    return chosen


def wal(value: Any, where: str) -> None:
    """Judge the write-ahead log's parameters, which change no answer."""
    fields = Fields(value, where)
    for name in ("wal_capacity_mb", "wal_segments_ahead", "wal_retain_closed"):
        fields.number(name, 0)
    fields.done()


def strict_mode(value: Any, where: str) -> None:
    """Refuse strict mode: rules that are accepted must be kept."""
    if expect(value, dict, where).get("enabled"):
        raise unsupported("strict mode")
