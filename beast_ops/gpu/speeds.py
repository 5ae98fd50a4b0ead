# SPDX-License-Identifier: Apache-2.0
"""How fast models usually answer, and how fast they did just now; kept over restarts.

A model is known by its server, its name and its digest: another version of it, or the same on
another host, begins anew. Its usual speed is that of the faster quarter of its last answers,
for a question beside others is answered more slowly than one alone. Answers that have fallen
far below it do not become usual by being many: it is forgotten after `KEPT`, and only then do
they make a new one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated

from pydantic import Field, ValidationError

from beast_ops.errors import BeastError
from beast_ops.files import write_atomically
from beast_ops.llm.listing import full
from beast_ops.llm.paces import Answered
from beast_ops.settings import Strict

VERSION = 1
# Several questions at once divide the speed among them; a CPU is slower than any GPU by more.
FALLEN_SHARE = 0.25
RECENT = 5  # so many answers must agree before anything is said
ENOUGH = 10  # answers that make a usual speed
MOST, MODELS = 50, 100
LEAST_TOKENS = 16  # the speed of fewer is chance
KEPT = timedelta(days=14)
MODE = 0o644
QUARTERS = 4

Speed = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Measured(Strict):
    """Tokens per second of one answer, and when it was given (seconds since 1970)."""

    at: float
    speed: Speed


class Line(Strict):
    """What is known of one model: the answers that make its usual speed, and its last ones."""

    server: str
    model: str
    digest: str
    usual: tuple[Measured, ...] = ()
    recent: tuple[Measured, ...] = ()


class Book(Strict):
    """What is known of all models."""

    version: int = VERSION
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model answers.

    Attributes:
        model: Its name.
        recent: Tokens per second of its last answers.
        usual: Those of its answers before; `None` until there were enough.
        agreed: Whether there were enough last answers to judge by.
    """

    model: str
    recent: float
    usual: float | None = None
    agreed: bool = False

    @property
    def fallen(self) -> bool:
        """Whether it has become so slow that it can hardly be on a GPU any more."""
        return self.agreed and self.usual is not None and self.recent < FALLEN_SHARE * self.usual


def speeds_file(data: Path) -> Path:
    """Return where the speeds of models are kept in the data generation *data*."""
    return data / "api" / "speeds.json"


def read(path: Path) -> Book:
    """Return the book at *path*; one that is missing or damaged is begun anew."""
    try:
        found = Book.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Book()
    return found if found.version == VERSION else Book()


def write(path: Path, book: Book) -> None:
    """Keep *book* at *path*.

    Raises:
        BeastError: If it cannot be written.
    """
    try:
        write_atomically(path, json.dumps(book.model_dump()).encode(), MODE)
    except OSError as failed:
        why = failed.strerror
        raise BeastError(f"cannot keep how fast models are: {why}", subject=str(path)) from failed


def learned(
    book: Book, answers: Iterable[Answered], digests: Mapping[str, str], now: datetime
) -> Book:
    """Return *book* with *answers* in it.

    Args:
        book: What is known.
        answers: What was answered since; of models without a digest nothing is learned.
        digests: The digest of each model as it is now, by its name.
        now: What time it is; what is older than `KEPT` is forgotten.
    """
    oldest = (now - KEPT).timestamp()
    lines = {_key(each): _aged(each, oldest) for each in book.lines}
    for answer in answers:
        name = full(answer.model)
        digest = digests.get(name)
        if digest is None or answer.tokens < LEAST_TOKENS or answer.seconds <= 0:
            continue
        line = Line(server=answer.server, model=name, digest=digest)
        measured = Measured(at=answer.at, speed=answer.tokens / answer.seconds)
        key = _key(line)
        lines[key] = _with(lines.get(key, line), measured)
    kept = [each for each in lines.values() if each.usual or each.recent]
    kept.sort(key=_last)
    return Book(lines=tuple(kept[-MODELS:]))


def paces(book: Book, server: str, digests: Mapping[str, str]) -> tuple[Pace, ...]:
    """Return how fast the models of *server* answer, that have these *digests* now."""
    return tuple(
        Pace(
            each.model,
            median(one.speed for one in each.recent),
            usual(each.usual),
            len(each.recent) >= RECENT,
        )
        for each in book.lines
        if each.server == server and digests.get(each.model) == each.digest and each.recent
    )


def usual(answers: Sequence[Measured]) -> float | None:
    """Return the speed that the faster quarter of *answers* has; `None` if they are too few."""
    if len(answers) < ENOUGH:
        return None
    return quantiles((each.speed for each in answers), n=QUARTERS, method="inclusive")[-1]


def _with(line: Line, measured: Measured) -> Line:
    """Return *line* with one more answer, which is usual unless it fell far below the others."""
    before = usual(line.usual)
    fell = before is not None and measured.speed < FALLEN_SHARE * before
    recent = (*line.recent, measured)[-RECENT:]
    kept = line.usual if fell else (*line.usual, measured)[-MOST:]
    return line.model_copy(update={"recent": recent, "usual": kept})


def _aged(line: Line, oldest: float) -> Line:
    young = {
        name: tuple(each for each in getattr(line, name) if each.at >= oldest)
        for name in ("usual", "recent")
    }
    return line.model_copy(update=young)


def _key(line: Line) -> tuple[str, str, str]:
    return line.server, line.model, line.digest


def _last(line: Line) -> float:
    return max(each.at for each in (*line.usual, *line.recent))
