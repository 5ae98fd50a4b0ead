# SPDX-License-Identifier: Apache-2.0
"""What the models of the double say and how they see texts: the same every time."""

import hashlib
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

TOKENS_PER_WORD = 1.3


def tokens(text: str) -> int:
    """Return about how many tokens *text* has."""
    return math.ceil(len(text.split()) * TOKENS_PER_WORD)


@lru_cache(maxsize=4096)
def _direction(word: str, length: int) -> tuple[float, ...]:
    seed, numbers = word.encode(), b""
    while len(numbers) < 2 * length:
        seed = hashlib.sha512(seed).digest()
        numbers += seed
    return tuple(int.from_bytes(numbers[i : i + 2]) / 32768 - 1 for i in range(0, 2 * length, 2))


def embed(text: str, length: int) -> list[float]:
    """Return a vector of length one; texts that share words are near each other."""
    found = re.findall(r"\w+", text.lower()) or ["nothing"]
    total = [0.0] * length
    for word in found:
        for place, value in enumerate(_direction(word, length)):
            total[place] += value
    norm = math.sqrt(sum(value * value for value in total)) or 1.0
    return [value / norm for value in total]


def answer(prompt: str) -> str:
    """Return what the model says to *prompt*."""
    asked = " ".join(prompt.split())
    return f"You asked: {asked[:200]}" if asked else "Yes."


def pieces(prompt: str) -> Iterator[str]:
    """Return the answer as a stream gives it, word by word."""
    first, *others = answer(prompt).split(" ")
    yield first
    yield from (f" {word}" for word in others)


def last_said(messages: list[dict[str, Any]]) -> str:
    """Return what the user said last."""
    said = [str(each.get("content") or "") for each in messages if each.get("role") == "user"]
    return said[-1] if said else ""
