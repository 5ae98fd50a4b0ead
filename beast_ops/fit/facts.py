# SPDX-License-Identifier: Apache-2.0
"""What a model takes in memory, computed from its architecture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MIB = 1024 * 1024

# Bytes of one number in the cache; q8_0 keeps 32 numbers in 34 bytes, q4_0 in 18 (ggml-common.h).
CACHE_BYTES = {"f32": 4.0, "f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
F16, Q8_0 = "f16", "q8_0"

# Buffers to compute in: 233 + 237.51 + 133.01 MiB for Qwen2.5 32B (ggml-org/llama.cpp#11200).
COMPUTE = 604 * MIB

# Bits of a weight as Llama 3.1 8B has them, from fine to coarse
# (ggml-org/llama.cpp, tools/quantize/README.md).
BITS = {
    "F16": 16.0005,
    "Q8_0": 8.5008,
    "Q6_K": 6.5633,
    "Q5_K_M": 5.7036,
    "Q4_K_M": 4.8944,
    "Q3_K_S": 3.6429,
    "Q2_K": 3.1593,
}


@dataclass(frozen=True, slots=True)
class Load:
    """How models are used.

    Attributes:
        context: Tokens that each request may keep in mind.
        parallel: Requests that one model answers at once.
        cache: How the numbers of the cache are kept, such as `f16`.
        spread: Whether every model is spread over all GPUs, also where one would do.
    """

    context: int
    parallel: int = 1
    cache: str = F16
    spread: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model.

    Attributes:
        name: Its name with its tag.
        weights: Bytes of its weights, on disk and in memory.
        numbers: Numbers that the cache keeps of each token; 0 without a cache, `None` if unknown.
        parameters: How many it has, if that is known.
        context: The most tokens it can keep in mind, if that is known.
        here: Whether its weights are on the disk already.
        source: Where this is from.
    """

    name: str
    weights: int
    numbers: int | None
    parameters: int | None = None
    context: int | None = None
    here: bool = False
    source: str = ""

    def cache(self, load: Load) -> int | None:
        """Return the bytes that the cache takes under *load*, if that is known."""
        if self.numbers is None or load.cache not in CACHE_BYTES:
            return None
        tokens = min(load.context, self.context or load.context) * load.parallel
        return int(self.numbers * tokens * CACHE_BYTES[load.cache])

    def memory(self, load: Load) -> int | None:
        """Return all the bytes that it takes in memory under *load*, if that is known."""
        cache = self.cache(load)
        if cache is None:
            return None
        return self.weights + cache + self.buffers

    @property
    def buffers(self) -> int:
        """Bytes of the buffers to compute in, on each GPU that it is on."""
        return COMPUTE if self.numbers else 0


def shrunk(facts: Facts, quantization: str) -> int | None:
    """Return about how many bytes the weights take as *quantization*, if that is less."""
    if facts.parameters is None:
        return None
    size = int(facts.parameters * BITS[quantization] / 8)
    return size if size < facts.weights else None


def read(
    name: str, weights: int, info: Mapping[str, Any], source: str, *, here: bool = False
) -> Facts:
    """Return what *info* tells of a model.

    Args:
        name: The model, with its tag.
        weights: Bytes of its weights.
        info: The metadata of its GGUF file, as `POST /api/show` returns them in `model_info`.
        source: Where *info* is from.
        here: Whether its weights are on the disk already.
    """
    kind = str(info.get("general.architecture", ""))
    return Facts(
        name,
        weights,
        0 if kind.endswith("bert") else _numbers(kind, info),  # those read a text once, whole
        _count(info.get("general.parameter_count")),
        _count(info.get(f"{kind}.context_length")),
        here=here,
        source=source,
    )


def _numbers(kind: str, info: Mapping[str, Any]) -> int | None:
    """Return how many numbers the cache keeps of a token: KV heads of all layers, keys and values.

    What GGUF leaves out is derived.
    Sliding windows and compressed keys take less than this says, never more.
    """
    layers = _count(info.get(f"{kind}.block_count"))
    heads = _count(info.get(f"{kind}.attention.head_count"))
    if not layers or not heads:
        return None
    said = info.get(f"{kind}.attention.head_count_kv")
    each = [_count(one) or 0 for one in said] if isinstance(said, list) else None
    together = sum(each) if each else layers * (_count(said) or heads)
    width = _count(info.get(f"{kind}.embedding_length"))
    usual = width // heads if width else None
    key = _count(info.get(f"{kind}.attention.key_length")) or usual
    value = _count(info.get(f"{kind}.attention.value_length")) or usual
    return None if key is None or value is None else together * (key + value)


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
