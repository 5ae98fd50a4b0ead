# SPDX-License-Identifier: Apache-2.0
"""The golden questions: what is asked, where the answer stands, how a right passage is known."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the documents that answer it, and phrases of which a right passage has one."""

    question: str
    sources: tuple[str, ...]
    phrases: tuple[str, ...]

    def answered_by(self, source: str, text: str) -> bool:
        """Tell whether this passage of this document (path or URI of it) is a right one."""
        right = any(source == each or source.endswith(f"/{each}") for each in self.sources)
        return right and any(_plain(phrase) in _plain(text) for phrase in self.phrases)

    def asks_about(self, paths: Collection[str]) -> bool:
        """Tell whether a corpus of these documents can answer it."""
        return any(source in paths for source in self.sources)


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def load() -> tuple[Question, ...]:
    """Return all golden questions.

    Raises:
        KeyError: a question lacks a field.
    """
    rows = yaml.safe_load((HERE / "questions.yml").read_text(encoding="utf-8"))
    return tuple(
        Question(row["question"], _several(row["source"]), _several(row["must_contain"]))
        for row in rows
    )
