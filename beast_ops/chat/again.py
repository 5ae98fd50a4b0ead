# SPDX-License-Identifier: Apache-2.0
"""Answers from documents that were given before, to the same question put otherwise.

An answer rests on its passages: only one that was made from the very same passages, after the same
words, by the same weights and under the same rules and options may be given again.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from beast_ops.errors import BeastError
from beast_ops.llm.answers import deterministic
from beast_ops.llm.chat import Ending
from beast_ops.llm.similar import Asked, Similar, SimilarCache

from .model import Question
from .plan import RULES, Plan

Embed = Callable[[str, str], Awaitable[Sequence[float]]]
"""Returns the vector of a question about a collection, as its passages have theirs."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given.

    Attributes:
        text: All that was said, its list of sources included.
        cited: The numbers of the passages that it cites.
        removed: How many citations of nothing were taken out.
        defused: How many pictures were.
        closeness: How close the question was for which it was made, up to 1.
    """

    text: str
    cited: tuple[int, ...]
    removed: int
    defused: int
    closeness: float = 1.0

    @property
    def note(self) -> str:
        """What is to be said about it, for people."""
        return (
            "This answer was made for a similar question"
            f" ({self.closeness:.1%} alike), from the same passages."
        )

    @property
    def ending(self) -> Ending:
        """How it ended: no model was asked."""
        return Ending("stop", 0, 0)


@dataclass(frozen=True, slots=True)
class Near:
    """A question, with the answer to a similar one if there is any.

    Attributes:
        asked: The question, as it is looked up and kept.
        digest: Of the weights when it was asked.
        now: Returns the digest of the weights as it is by then.
    """

    asked: Asked
    digest: str
    now: Callable[[], Awaitable[str]]

    @property
    def given(self) -> Given | None:
        """The answer that was found, if there is one that can be read."""
        found = self.asked.found
        if found is None:
            return None
        try:
            text, cited, removed, defused = json.loads(found.text)
            numbers = tuple(map(int, cited))
            return Given(str(text), numbers, int(removed), int(defused), found.closeness)
        except (ValueError, TypeError):
            return None

    async def keep(self, made: Given) -> None:
        """Keep *made* as the answer, unless other weights may have made it."""
        with suppress(BeastError):
            if await self.now() == self.digest:
                said = [made.text, made.cited, made.removed, made.defused]
                self.asked.keep(json.dumps(said))


@dataclass(frozen=True, slots=True)
class Again:
    """Knows answers that were given before.

    Attributes:
        cache: Where they are kept.
        embed: Returns the vector of a question.
        digest: Returns the digest of the weights behind the name of a model.
        least: Tells how close two questions have to be; 0 if nothing is to be given again.
    """

    cache: SimilarCache
    embed: Embed
    digest: Callable[[str], Awaitable[str]]
    least: Callable[[], float]

    async def ask(
        self, question: Question, planned: Plan, options: Mapping[str, Any], model: str
    ) -> Near | None:
        """Return what is known of *question*; nothing if it is not to be compared with others.

        Args:
            question: What is asked.
            planned: What the model would be sent.
            options: Its options.
            model: Who would answer.
        """
        least = self.least()
        if not least or not deterministic(question.options):
            return None
        try:
            digest = await self.digest(model)
        except BeastError:
            return None  # what is wrong will show when the model is asked

        async def embed(text: str) -> Sequence[float]:
            return await self.embed(question.collection, text)

        around = [digest, _around(question, planned), dict(options)]
        asked = await Similar(self.cache, embed, "", least).ask(around, question.text)
        return None if asked is None else Near(asked, digest, lambda: self.digest(model))


def _around(question: Question, planned: Plan) -> Any:
    """Return all that decides an answer besides its question; the marks of passages are chance."""
    _, *history, _ = planned.turns
    passages = [each.as_dict() for each in planned.passages]
    said = [[turn.role, turn.text] for turn in history]
    return [question.collection, RULES, question.manner, said, passages]
