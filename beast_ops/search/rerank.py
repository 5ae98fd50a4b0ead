# SPDX-License-Identifier: Apache-2.0
"""Order the best candidates anew, within a deadline; never without saying what came of it."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, ServiceError, UnavailableError
from beast_ops.health.engine import aside
from beast_ops.llm.rerank import Reranker, Scores, reranker_for

from .store import Found

REST_SECONDS = 10.0  # after a failure nobody waits for it so long
NOT_DONE = "in the order of words and meaning: {}"
CUT = "of {} passages the reranker read the beginning only"


@dataclass(frozen=True, slots=True)
class RerankSettings:
    """What orders passages anew: kind, model, where models lie, how many passages, how long."""

    kind: str = "none"
    model: str = ""
    folder: str = ""
    candidates: int = 30
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Reranked:
    """Candidates in their new order, with their new scores.

    Attributes:
        found: The candidates; as they were if that failed.
        title: What ordered them; empty if nothing did.
        note: What is to be said: why nothing did, or what was not read.
    """

    found: Sequence[Found]
    title: str = ""
    note: str = ""


class Reranking:
    """Orders candidates as the settings say, which may change at any time."""

    def __init__(
        self,
        settings: Callable[[], RerankSettings] = RerankSettings,
        models_url: str | None = None,
        clock: Clock = SYSTEM,
        make: Callable[[str, str, str | None, str], Reranker] = reranker_for,
    ) -> None:
        """Order as *settings* say, with the model server at *models_url* if there is one.

        Args:
            settings: What to use, asked each time.
            models_url: Where the model server is, if there is one.
            clock: Tells when to try again after a failure.
            make: Makes a reranker.
        """
        self._settings, self._models_url, self._clock = settings, models_url, clock
        self._make = make
        self._made: tuple[tuple[str, str, str], Reranker] | None = None
        self._failed: tuple[float, RerankSettings, BeastError] | None = None

    @property
    def candidates(self) -> int:
        """How many passages are ordered."""
        return self._settings().candidates

    async def order(self, question: str, found: Sequence[Found]) -> Reranked:
        """Return *found* in the order in which they answer *question*; never raises for it."""
        if not found:
            return Reranked(found)
        settings = self._settings()
        try:
            self._rest(settings)
            reranker = self._reranker(settings)
            texts = [str(point.payload.get("text", "")) for point in found]
            scores = await self._scores(reranker, question, texts, settings.seconds)
        except BeastError as failed:
            if self._failed is None or self._failed[2] is not failed:
                self._failed = (self._clock.monotonic() + REST_SECONDS, settings, failed)
            return Reranked(found, note=NOT_DONE.format(failed.paragraph()))
        places = sorted(range(len(found)), key=lambda place: -scores.values[place])
        ordered = [replace(found[place], score=scores.values[place]) for place in places]
        return Reranked(ordered, reranker.title, CUT.format(scores.cut) if scores.cut else "")

    def close(self) -> None:
        """Close what was opened."""
        if self._made is not None:
            self._made[1].close()
            self._made = None

    def _rest(self, settings: RerankSettings) -> None:
        if self._failed is None:
            return
        until, tried, failed = self._failed
        if settings == tried and self._clock.monotonic() < until:
            raise failed.with_traceback(None)  # else it would grow with every search
        self._failed = None

    def _reranker(self, settings: RerankSettings) -> Reranker:
        key = (settings.kind, settings.model, settings.folder)
        if self._made is None or self._made[0] != key:
            self.close()
            made = self._make(settings.kind, settings.model, self._models_url, settings.folder)
            self._made = (key, made)
        return self._made[1]

    async def _scores(
        self, reranker: Reranker, question: str, texts: Sequence[str], seconds: float
    ) -> Scores:
        """Return the scores.

        Raises:
            UnavailableError: If they do not come in time.
            BeastError: If they do not come, or are none.
        """
        try:
            async with asyncio.timeout(seconds):
                # In a daemon thread: one that waits for a dead server must not delay our end.
                scores = await aside(lambda: reranker.score(question, texts, seconds))
        except TimeoutError as late:
            raise UnavailableError(
                f"the reranker took longer than {seconds:g} s", subject=reranker.title
            ) from late
        except BeastError:
            raise
        except Exception as broken:
            # A model file that another program reads may be broken in any way.
            raise ServiceError(
                f"the reranker gave up: {type(broken).__name__}", subject=reranker.title
            ) from broken
        if len(scores.values) != len(texts) or not all(map(math.isfinite, scores.values)):
            raise ServiceError("the reranker sent no scores that fit", subject=reranker.title)
        return scores
