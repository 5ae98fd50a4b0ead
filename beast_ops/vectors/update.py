# SPDX-License-Identifier: Apache-2.0
"""Changes of a collection's configuration: what may change without writing all vectors anew."""

from collections.abc import Mapping
from typing import Any

from .errors import malformed, unsupported, wrong
from .fields import Fields, expect

TUNING = ("hnsw_config", "optimizers_config")
PARAMS = ("on_disk_payload", "payload", "id_tracker")


def merged(config: Mapping[str, Any], body: Any) -> dict[str, Any]:
    """Return *config* with the changes of an update's *body*.

    Raises:
        RefusedError: If the body changes what cannot change, or what this process does not do.
    """
    fields = Fields(body, "")
    result = dict(config)
    for name in TUNING:
        if name in fields:
            result[name] = dict(config.get(name) or {}) | _said(fields.need(name, dict))
    if "params" in fields:
        result |= _params(fields)
    if "vectors" in fields:
        result["vectors"] = _vectors(config.get("vectors") or {}, fields.need("vectors", dict))
    if "sparse_vectors" in fields:
        result["sparse_vectors"] = _merge(
            config.get("sparse_vectors") or {},
            fields.need("sparse_vectors", dict),
            "sparse_vectors",
        )
    quantization = fields.raw("quantization_config")
    if quantization is not None:
        result["quantization_config"] = None if quantization == "Disabled" else quantization
    if (mode := fields.take("strict_mode_config", dict)) and mode.get("enabled"):
        raise unsupported("strict mode")
    if (metadata := fields.take("metadata", dict)) is not None:
        result["metadata"] = _said(dict(config.get("metadata") or {}) | metadata)
    fields.done()
    return result


def _said(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if each is not None}


def _params(fields: Fields) -> dict[str, Any]:
    params = Fields(fields.raw("params"), fields.at("params"))
    changed = {name: each for name in PARAMS if (each := params.raw(name)) is not None}
    for name in ("replication_factor", "write_consistency_factor"):
        if params.number(name, 1, 1) != 1:
            raise unsupported(f"{name} other than 1")
    params.number("read_fan_out_factor", 0)
    params.number("read_fan_out_delay_ms", 0)
    params.done()
    return changed


def _vectors(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for name, each in changes.items():
        change = expect(each, dict, f"vectors.{name}")
        if fixed := change.keys() & {"size", "distance", "datatype", "multivector_config"}:
            raise malformed(f"vectors.{name}: unknown field `{min(fixed)}`")
    if isinstance(config.get("size"), int):
        only: dict[str, Any] = _merge({"": config}, changes, "vectors")[""]
        return only
    return _merge(config, changes, "vectors")


def _merge(config: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    result = dict(config)
    for name, change in changes.items():
        if name not in config:
            raise wrong(f"Not existing vector name error: {name}")
        result[name] = dict(config[name]) | _said(expect(change, dict, f"{where}.{name}"))
    return result
