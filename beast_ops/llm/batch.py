# SPDX-License-Identifier: Apache-2.0
"""Many requests to a model server: some at a time, in their order, each with its own outcome."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, UsageError

from .chat import Request
from .journal import Journal, key_of
from .remembered import Got, Remembering

AT_ONCE = 5  # source: SPEC, B-BATCH


@dataclass(frozen=True, slots=True)
class Task:
    """A request and its name, which is its own within a batch."""

    name: str
    request: Request


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request.

    Attributes:
        name: Which request.
        text: The answer; empty if there is none.
        source: Where it came from: `model`, `cache`, `shared`, `similar` or `journal`.
        prompt_tokens: Tokens of the question.
        answer_tokens: Tokens of the answer.
        seconds: How long it took.
        error: Why there is no answer: kind, message and hint of the error.
        similarity: How close the request is whose answer this is, if that was put otherwise.
    """

    name: str
    text: str = ""
    source: str = ""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0
    error: Mapping[str, str] | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Far:
    """How far a batch is: requests that ended, of how many, and how many of these failed."""

    done: int
    of: int
    failed: int


@dataclass(frozen=True, slots=True)
class Way:
    """How a batch is run.

    Attributes:
        journal: Where answers are noted, and found if they were noted before.
        show: Told after each request how far the batch is.
        always: Whether to remember also what a model would say otherwise the next time.
        clock: Tells how long a request took.
    """

    journal: Journal | None = None
    show: Callable[[Far], None] = lambda _: None
    always: bool = False
    clock: Clock = SYSTEM


@dataclass(slots=True)
class _Run:
    models: Remembering
    way: Way
    outcomes: list[Outcome | None]
    failed: int = 0
    done: int = 0
    left: Iterator[tuple[int, Task]] = field(default_factory=lambda: iter(()))

    async def work(self) -> None:
        """Take one request after the other until there is none left."""
        for place, task in self.left:
            self.end(place, await self.outcome(task))

    async def outcome(self, task: Task) -> Outcome:
        journal, begun = self.way.journal, self.way.clock.monotonic()
        key = "" if journal is None else key_of(task.name, task.request)
        if journal is not None and (known := _known(journal.done.get(key))) is not None:
            return known
        try:
            got = await self.models.answer(task.request, always=self.way.always)
        except BeastError as failed:
            error = {"kind": type(failed).__name__, "message": str(failed), "hint": failed.hint}
            return Outcome(task.name, seconds=self.since(begun), error=error)
        made = _outcome(task.name, got, self.since(begun))
        if journal is not None and got.closeness is None:  # the next run may want none of those
            journal.add(key, asdict(made))
        return made

    def since(self, begun: float) -> float:
        return round(self.way.clock.monotonic() - begun, 3)

    def end(self, place: int, outcome: Outcome) -> None:
        self.outcomes[place] = outcome
        self.done += 1
        self.failed += outcome.error is not None
        self.way.show(Far(self.done, len(self.outcomes), self.failed))


async def run_batch(
    requests: Sequence[Task],
    models: Remembering,
    max_concurrent: int = AT_ONCE,
    way: Way | None = None,
) -> list[Outcome]:
    """Return what came of *requests*, in their order; one that fails stops no other.

    Whoever cancels it loses nothing that the journal of *way* has.

    Args:
        requests: What to ask.
        models: Who is asked; through its guards, so each request is tried again where that helps.
        max_concurrent: How many are asked at the same time.
        way: How it is run.

    Raises:
        UsageError: If two requests have one name, or nothing may run at the same time.
    """
    if max_concurrent < 1:
        raise UsageError("at least one has to be asked at a time", subject=str(max_concurrent))
    twice = [name for name, count in Counter(each.name for each in requests).items() if count > 1]
    if twice:
        raise UsageError("two requests of a batch have the same id", subject=twice[0])
    run = _Run(models, way or Way(), [None] * len(requests), left=iter(enumerate(requests)))
    async with asyncio.TaskGroup() as group:
        for _ in range(min(max_concurrent, len(requests))):
            group.create_task(run.work())
    return [each for each in run.outcomes if each is not None]


def _outcome(name: str, got: Got, seconds: float) -> Outcome:
    ending = got.said.ending
    return Outcome(
        name,
        got.said.text,
        got.source,
        ending.prompt_tokens,
        ending.answer_tokens,
        seconds,
        similarity=got.closeness,
    )


def _known(noted: Mapping[str, Any] | None) -> Outcome | None:
    """Return the outcome that was *noted*; nothing if another version of us noted it otherwise."""
    if noted is None:
        return None
    try:
        return Outcome(**{**noted, "source": "journal"})
    except TypeError:
        return None
