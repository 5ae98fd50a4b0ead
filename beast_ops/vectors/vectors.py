# SPDX-License-Identifier: Apache-2.0
"""Vectors in JSON, judged against the collection before the engine sees them.

The engine writes an operation to its log before it looks at it, applies batches point by point,
and takes sparse vectors with repeated indices: so nothing goes in unjudged.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .config import Schema
from .edge import engine
from .errors import invalid, malformed, unsupported, wrong
from .fields import Fields, expect

NUMBERS = ({float}, {int}, {float, int})
MAX_INDEX = 2**32 - 1
INFERENCE = ("text", "image", "object")


def named(value: Any, schema: Schema, where: str) -> dict[str, Any]:
    """Return a point's vectors by name; a bare list is the unnamed one.

    Raises:
        RefusedError: If a vector is not declared, or not of the declared length or kind.
    """
    if isinstance(value, dict):
        if any(name in value and name not in schema.dense for name in INFERENCE) and (
            "model" in value
        ):
            raise unsupported(f"inference ({where})")
        return {name: one(each, name, schema, f"{where}.{name}") for name, each in value.items()}
    return {"": one(value, "", schema, where)}


def one(value: Any, name: str, schema: Schema, where: str) -> Any:
    """Return one vector in the engine's form."""
    if name in schema.sparse:
        return sparse(value, where)
    if name not in schema.dense:
        raise wrong(f"Not existing vector name error: {name}")
    size = schema.dense[name]
    if name not in schema.multi:
        return dense(value, size, where)
    rows = expect(value, list, where)
    if rows and not isinstance(rows[0], list):
        return [dense(rows, size, where)]
    if not rows:
        raise wrong(f"multivector {where} is empty")
    return [dense(row, size, f"{where}[{n}]") for n, row in enumerate(rows)]


def dense(value: Any, size: int, where: str) -> list[float]:
    """Return a dense vector of *size* finite 32-bit numbers."""
    if type(value) is not list:
        if isinstance(value, dict):
            raise _not_dense(value, where)
        expect(value, list, where)
    if len(value) != size:
        raise wrong(f"Vector dimension error: expected dim: {size}, got {len(value)}")
    return numbers(value, where)


def _not_dense(value: dict[str, Any], where: str) -> Exception:
    if "model" in value or "text" in value:
        return unsupported(f"inference ({where})")
    return wrong("Conversion between sparse and regular vectors failed")


def numbers(value: list[Any], where: str) -> list[float]:
    """Return a list of finite numbers, none too large for 32 bits."""
    if value:
        if set(map(type, value)) not in NUMBERS:
            raise malformed(f"{where}: expected numbers and nothing else")
        try:
            _floats(len(value)).pack(*value)  # a fourth of the time of asking for both extremes
        except (OverflowError, struct.error):  # the latter is for integers
            raise malformed(f"{where}: a number does not fit 32-bit floating point") from None
    return value


@lru_cache(maxsize=64)
def _floats(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}f")  # in the machine's own order it would make infinity of it


def sparse(value: Any, where: str) -> engine.SparseVector:
    """Return a sparse vector: as many values as indices, no index twice."""
    if isinstance(value, list):
        raise wrong("Conversion between sparse and regular vectors failed")
    if isinstance(value, dict) and "model" in value:
        raise unsupported(f"inference ({where})")
    fields = Fields(value, where)
    indices = fields.need("indices", list)
    values = numbers(fields.need("values", list), fields.at("values"))
    fields.done()
    if len(indices) != len(values):
        raise invalid(f"{where}: must be the same length as indices")
    if indices and set(map(type, indices)) != {int}:
        raise malformed(f"{where}.indices: expected unsigned integers")
    if indices and not (min(indices) >= 0 and max(indices) <= MAX_INDEX):
        raise malformed(f"{where}.indices: expected unsigned integers of 32 bits")
    if len(set(indices)) != len(indices):
        raise invalid(f"{where}.indices: must be unique")
    return engine.SparseVector(indices, values)


def known_names(names: Sequence[str], schema: Schema) -> None:
    """Refuse names of vectors the collection does not have."""
    for name in names:
        if name not in schema.dense and name not in schema.sparse:
            raise wrong(f"Not existing vector name error: {name}")
