# SPDX-License-Identifier: Apache-2.0
"""Have a model answer a file of requests, and write a file of answers."""

import asyncio
import json as json_
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from beast_ops.cards import read_services
from beast_ops.errors import MissingError, UsageError
from beast_ops.files import write_atomically
from beast_ops.place import Place
from beast_ops.settings import Strict

from .caches import FILE
from .near import opened
from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.llm.answers import AnswerCache
    from beast_ops.llm.batch import Far, Outcome, Task, Way
    from beast_ops.llm.similar import Similar

LONGEST = 1_000_000  # characters of a prompt: far more than any model reads
JOURNAL = ".journal"
MOST_AT_ONCE = 64


class Message(Strict):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(max_length=LONGEST)]


class Row(Strict):
    """A line of the file of requests."""

    id: Annotated[str, Field(max_length=200)] = ""
    model: str = ""
    prompt: Annotated[str, Field(max_length=LONGEST)] | None = None
    messages: tuple[Message, ...] = ()
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    options: dict[str, bool | int | float | str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if (self.prompt is None) == (not self.messages):
            raise ValueError("either prompt or messages has to be there")
        return self


@dataclass(frozen=True, slots=True)
class Wish:
    """What the words of the verb ask for."""

    requests: Path
    output: Path
    model: str
    at_once: int
    always: bool
    similar: float = 0.0


def batch(place: Place, wish: Wish, *, json: bool) -> int:
    """Answer, write the answers, and return 1 if some requests have none.

    Raises:
        UsageError: If the file of requests makes no sense.
        MissingError: If there is no model server.
        BusyError: If another run works on the same answers.
    """
    from beast_ops.ingest.show import Progress
    from beast_ops.llm.answers import AnswerCache
    from beast_ops.llm.batch import Way
    from beast_ops.llm.journal import Journal

    _judge(wish)
    url, tasks = server_of(place), _tasks(wish)
    with ExitStack() as stack:
        cache = stack.enter_context(AnswerCache(place.cache / FILE))
        path = wish.output.with_name(wish.output.name + JOURNAL)
        journal = stack.enter_context(Journal(path))
        progress = stack.enter_context(Progress(sys.stderr, words=_words))

        def show(far: "Far") -> None:
            progress({"done": far.done, "of": far.of, "failed": far.failed})

        way = Way(journal, show, wish.always)
        near = stack.enter_context(opened(place, url, wish.similar)) if wish.similar else None
        models = Models(url, cache, near)
        outcomes = asyncio.run(_run(models, tasks, wish.at_once, way))
        write_atomically(wish.output, _lines(outcomes))
        failed = sum(each.error is not None for each in outcomes)
        if not failed:
            journal.remove()
    _tell(wish, outcomes, json=json)
    return 1 if failed else 0


def _judge(wish: Wish) -> None:
    """Return if the numbers of *wish* make sense.

    Raises:
        UsageError: If they do not.
    """
    from beast_ops.llm.similar import LEAST

    if not 1 <= wish.at_once <= MOST_AT_ONCE:
        raise UsageError(f"from 1 to {MOST_AT_ONCE} at once", subject=f"--at-once {wish.at_once}")
    if wish.similar and not LEAST <= wish.similar <= 1:
        raise UsageError(f"from {LEAST} to 1", subject=f"--similar {wish.similar}")


@dataclass(frozen=True, slots=True)
class Models:
    """Who is asked, and what is known already: the same requests, and similar ones."""

    url: str
    cache: "AnswerCache"
    similar: "Similar | None"


async def _run(asked: Models, tasks: "Sequence[Task]", at_once: int, way: "Way") -> "list[Outcome]":
    from beast_ops import http
    from beast_ops.llm.batch import run_batch
    from beast_ops.llm.chat import WHOLE_SECONDS, ChatServer, Terms
    from beast_ops.llm.remembered import Remembering
    from beast_ops.resilience.policy import CHAT

    policy = replace(CHAT, at_once=max(CHAT.at_once, at_once))
    async with http.async_client(asked.url, seconds=WHOLE_SECONDS) as client:
        server = ChatServer(client, Terms(policy=policy))
        models = Remembering(server, asked.cache, similar=asked.similar)
        return await run_batch(tasks, models, at_once, way)


def server_of(place: Place) -> str:
    """Return where the model server of *place* is.

    Raises:
        MissingError: If there is none.
    """
    services = read_services(place.require_deployed().services)
    found = next((each.address for each in services if each.health.deep == "models"), None)
    if found is None:
        raise MissingError(
            "there is no model server", hint="Add ollama to beast_services, then: ./beast deploy"
        )
    return found


def _tasks(wish: Wish) -> "list[Task]":
    """Return what the file of requests asks.

    Raises:
        UsageError: If a line makes no sense, with its number.
    """
    from beast_ops.llm.batch import Task
    from beast_ops.llm.chat import Request, Turn

    try:
        lines = wish.requests.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(f"cannot be read: {wrong}", subject=str(wish.requests)) from wrong
    tasks = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        row = _row(text, f"{wish.requests}:{number}")
        model = row.model or wish.model
        if not model:
            raise UsageError(
                "no model is named", subject=f"{wish.requests}:{number}", hint="Add: --model NAME"
            )
        said = [Turn(each.role, each.content) for each in row.messages]
        turns = said or [Turn("user", row.prompt or "")]
        heat = {} if row.temperature is None else {"temperature": row.temperature}
        tasks.append(Task(row.id or str(number), Request(model, turns, {**row.options, **heat})))
    if not tasks:
        raise UsageError("there is no request in this file", subject=str(wish.requests))
    return tasks


def _row(text: str, where: str) -> Row:
    try:
        return Row.model_validate_json(text)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"this line is no request: {at + ': ' if at else ''}{first['msg']}",
            subject=where,
            hint='Such as {"id": "1", "prompt": "Why?", "temperature": 0}.',
        ) from None


def _lines(outcomes: "Iterable[Outcome]") -> bytes:
    rows = []
    for each in outcomes:
        row: dict[str, Any] = {"id": each.name}
        if each.error is None:
            row |= {
                "response": each.text,
                "source": each.source,
                "prompt_tokens": each.prompt_tokens,
                "answer_tokens": each.answer_tokens,
            }
            if each.similarity is not None:
                row["similarity"] = each.similarity
        else:
            row["error"] = dict(each.error)
        rows.append(json_.dumps({**row, "seconds": each.seconds}, ensure_ascii=False) + "\n")
    return "".join(rows).encode(errors="replace")


def _tell(wish: Wish, outcomes: "Sequence[Outcome]", *, json: bool) -> None:
    failed = [each for each in outcomes if each.error is not None]
    sources = Counter(each.source for each in outcomes if each.error is None)
    if json:
        counts = {"requests": len(outcomes), "failed": len(failed), "sources": dict(sources)}
        emit({"output": str(wish.output), **counts})
        return
    line(f"{wish.output}: {len(outcomes) - len(failed)} of {len(outcomes)} answered.")
    if near := sources["similar"]:
        line(f"{near} of them are answers to similar requests, marked: similar.")
    for each in failed[:3]:
        line(f"{each.name}: {(each.error or {}).get('message')}")
    if failed:
        line("To ask these again, run the same command again; the others are kept.")


def _words(event: Mapping[str, Any]) -> str:
    failed = f", {event['failed']} failed" if event["failed"] else ""
    return f"{event['done']} of {event['of']}{failed}"
