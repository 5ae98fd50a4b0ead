# SPDX-License-Identifier: Apache-2.0
"""GGUF files made by tests, byte by byte after the format's own description.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Any

KINDS = {int: 4, float: 6, bool: 7}
FORMATS = {4: "I", 6: "f", 7: "?", 10: "Q"}


def text(value: str | bytes, order: str = "<") -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(f"{order}Q", len(raw)) + raw


def value(found: Any, order: str = "<") -> bytes:
    """Return *found* as a value with its kind."""
    if isinstance(found, bytes):  # as it stands
        return found
    if isinstance(found, str):
        return struct.pack(f"{order}I", 8) + text(found, order)
    if isinstance(found, list):
        kind = 8 if isinstance(found[0], str) else KINDS[type(found[0])]
        items = (text(each, order) if kind == 8 else number(each, kind, order) for each in found)
        return struct.pack(f"{order}IIQ", 9, kind, len(found)) + b"".join(items)
    kind = KINDS[type(found)] if not isinstance(found, int) or found < 1 << 32 else 10
    return struct.pack(f"{order}I", kind) + number(found, kind, order)


def number(found: Any, kind: int, order: str) -> bytes:
    return struct.pack(order + FORMATS[kind], found)


def gguf(
    values: Mapping[str, Any],
    tensors: Iterable[tuple[int, ...]] = (),
    order: str = "<",
    version: int = 3,
    tail: bytes = b"",
) -> bytes:
    """Return a whole file: head, descriptions of tensors of these shapes, and *tail*."""
    shapes = list(tensors)
    parts = [b"GGUF", struct.pack(f"{order}IQQ", version, len(shapes), len(values))]
    parts += [text(name, order) + value(found, order) for name, found in values.items()]
    for place, shape in enumerate(shapes):
        parts.append(text(f"blk.{place}.weight", order))
        parts.append(struct.pack(f"{order}I{len(shape)}Q", len(shape), *shape))
        parts.append(struct.pack(f"{order}IQ", 0, 0))
    return b"".join([*parts, tail])


def model(name: str = "Tiny", words: int = 4, tail: bytes = b"weights", **more: Any) -> bytes:
    """Return a small model as converters write it: what matters first, then its vocabulary."""
    values = {
        **{key: found for key, found in more.items() if found is not None},
        "general.architecture": "llama",
        "general.name": name,
        "general.size_label": "1B",
        "general.license": "apache-2.0",
        "general.file_type": 15,
        "llama.context_length": 131072,
        "llama.block_count": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        **more,  # once more: those without a value are left out
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": [f"token{number}" for number in range(words)],
        "tokenizer.ggml.scores": [0.5] * words,
        "tokenizer.ggml.add_bos_token": True,
    }
    values = {key: found for key, found in values.items() if found is not None}
    return gguf(values, [(8, 4), (4,)], tail=tail)
