# SPDX-License-Identifier: Apache-2.0
"""Compressed vectors: the four ways Qdrant knows."""

from __future__ import annotations

from typing import Any

from .edge import MEMORY, engine
from .errors import unsupported
from .fields import Fields

COMPRESSION = {
    "x4": engine.CompressionRatio.X4,
    "x8": engine.CompressionRatio.X8,
    "x16": engine.CompressionRatio.X16,
    "x32": engine.CompressionRatio.X32,
    "x64": engine.CompressionRatio.X64,
}
ENCODING = {
    "one_bit": engine.BinaryQuantizationEncoding.OneBit,
    "two_bits": engine.BinaryQuantizationEncoding.TwoBits,
    "one_and_half_bits": engine.BinaryQuantizationEncoding.OneAndHalfBits,
}
QUERY_ENCODING = {
    "default": engine.BinaryQuantizationQueryEncoding.Default,
    "binary": engine.BinaryQuantizationQueryEncoding.Binary,
    "scalar4bits": engine.BinaryQuantizationQueryEncoding.Scalar4Bits,
    "scalar8bits": engine.BinaryQuantizationQueryEncoding.Scalar8Bits,
}


def quantization(value: Any, where: str) -> Any:
    """Return the engine's form of a quantization, which names exactly one way.

    Raises:
        RefusedError: If it names none, several, or one this engine does not have.
    """
    fields = Fields(value, where)
    ways = {"scalar": _scalar, "product": _product, "binary": _binary}
    chosen = [config for name, way in ways.items() if (config := fields.read(name, way))]
    if "turbo" in fields:
        raise unsupported("turbo quantization")
    fields.done()
    if len(chosen) != 1:
        raise unsupported(f"{where} that names {len(chosen)} ways of quantization")
    return chosen[0]


def _scalar(value: Any, where: str) -> engine.ScalarQuantizationConfig:
    fields = Fields(value, where)
    config = engine.ScalarQuantizationConfig(
        type=fields.need_in("type", {"int8": engine.ScalarType.Int8}),
        quantile=fields.take("quantile", float),
        always_ram=fields.take("always_ram", bool),
        memory=fields.choice("memory", MEMORY),
    )
    fields.done()
    return config


def _product(value: Any, where: str) -> engine.ProductQuantizationConfig:
    fields = Fields(value, where)
    config = engine.ProductQuantizationConfig(
        compression=fields.need_in("compression", COMPRESSION),
        always_ram=fields.take("always_ram", bool),
        memory=fields.choice("memory", MEMORY),
    )
    fields.done()
    return config


def _binary(value: Any, where: str) -> engine.BinaryQuantizationConfig:
    fields = Fields(value, where)
    config = engine.BinaryQuantizationConfig(
        always_ram=fields.take("always_ram", bool),
        memory=fields.choice("memory", MEMORY),
        encoding=fields.choice("encoding", ENCODING),
        query_encoding=fields.choice("query_encoding", QUERY_ENCODING),
    )
    fields.done()
    return config
