# SPDX-License-Identifier: Apache-2.0
"""What a question about documents is made of, and what its answer comes with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from beast_ops.llm.chat import Turn
from beast_ops.search.model import Hit

from .places import link, title


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        text: The question itself.
        collection: Of which documents.
        history: What was said before, the oldest first.
        manner: What the asker wants of all answers, besides our own rules.
        options: Options of the model that the asker chose, such as `temperature`.
    """

    text: str
    collection: str
    history: Sequence[Turn] = ()
    manner: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as the model reads it, under the number by which it is cited."""

    number: int
    hit: Hit
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Return what one sees of it as a source."""
        place = {name: said for name, said in self.hit.place.items() if name != "title"}
        return {
            "number": self.number,
            "title": title(self.hit),
            "link": link(self.hit),
            "source": self.hit.source,
            "chunk": self.hit.chunk,
            "text": self.text,
            **place,
        }


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What did not fit into what the model sees at once.

    Attributes:
        passages: How many that were found.
        characters: How many of a passage that was cut.
        turns: How many of what was said before.
    """

    passages: int = 0
    characters: int = 0
    turns: int = 0

    def words(self) -> str:
        """Return it as a sentence; nothing if all fitted."""
        said = [
            _count(self.passages, "passage") if self.passages else "",
            f"the end of a passage ({_count(self.characters, 'character')})"
            if self.characters
            else "",
            _count(self.turns, "earlier message") if self.turns else "",
        ]
        parts = [part for part in said if part]
        if not parts:
            return ""
        return f"Left out, for the model sees no more at once: {', '.join(parts)}."

    def as_dict(self) -> dict[str, int]:
        """Return it for machines."""
        return {"passages": self.passages, "characters": self.characters, "turns": self.turns}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
