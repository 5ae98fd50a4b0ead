# SPDX-License-Identifier: Apache-2.0
"""What a task is, what it may do, and what came of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

SANDBOX = "sandbox"  # how the model calls the only folder it may write in


class Status(StrEnum):
    """How a task ended."""

    DONE = "done"  # the model says that it is
    LIMIT = "limit"  # steps, tokens or time were used up
    STUCK = "stuck"  # it asked for the same thing again and again, or said nothing
    UNKNOWN = "unknown"  # a command was begun, and nobody knows how it ended
    FAILED = "failed"  # the model server failed
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Limits:
    """When a task ends at the latest, and how much it may handle.

    Attributes:
        steps: How often the model is asked, besides for its plan.
        tokens: Of questions and answers together, as the server counts them.
        seconds: For the whole, without the time between two attempts of a job.
        context: How many tokens the model sees at once.
        files: How many different files may be written.
        written: Bytes of all that is written.
        command: Seconds one command may take.
    """

    steps: int = 12
    tokens: int = 200_000
    seconds: float = 1800.0
    context: int = 8192
    files: int = 100
    written: int = 10 << 20
    command: float = 60.0


@dataclass(frozen=True, slots=True)
class Command:
    """A command that may be run.

    Attributes:
        words: The words as somebody allowed them.
        program: The file that is run, which does not depend on where one is.
        more: Whether further words may follow.
    """

    words: tuple[str, ...]
    program: str
    more: bool = False

    def allows(self, argv: tuple[str, ...]) -> bool:
        """Return whether *argv* is this command."""
        begun = argv[: len(self.words)] == self.words
        return begun and (self.more or len(argv) == len(self.words))


@dataclass(frozen=True, slots=True)
class Allowed:
    """All that a task may do; made before the model is asked anything, and never changed.

    Attributes:
        folders: Folders whose files may be read, by the names the model knows them by.
        sandbox: The only folder that may be written in, if there is one.
        commands: What may be run there.
        collections: Which collections may be searched.
        apply: Whether files are written and commands run; else it is only told what would be.
        never: Folders nothing is read from or written to wherever they lie: the installation.
    """

    folders: Mapping[str, Path] = field(default_factory=dict)
    sandbox: Path | None = None
    commands: tuple[Command, ...] = ()
    collections: tuple[str, ...] = ()
    apply: bool = False
    never: tuple[Path, ...] = ()

    @property
    def roots(self) -> dict[str, Path]:
        """All folders that may be read, by name."""
        own = {} if self.sandbox is None else {SANDBOX: self.sandbox}
        return {**self.folders, **own}


def new_id() -> str:
    """Return a name for a task, as jobs have them."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done, by whom, within which bounds."""

    words: str
    model: str
    allowed: Allowed
    limits: Limits = field(default_factory=Limits)
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Call:
    """What a model asks to have done, as it was understood.

    Attributes:
        tool: The tool it names.
        arguments: Its arguments; none if they made no sense.
        id: What the server calls it.
        wrong: Why it makes no sense, if it does not.
    """

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of a call.

    Attributes:
        text: What the model is told.
        well: Whether it was done, or would be.
        file: The file that was, or would be, written; as the model calls it.
        shown: What people are shown of it, such as the difference it makes.
        changed: Whether the world is another one now.
    """

    text: str
    well: bool = True
    file: str = ""
    shown: str = ""
    changed: bool = False


TOLD = ("task", "status", "apply", "steps", "tokens", "seconds", "tools")


def event_of(report: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the event that a *report* as JSON becomes: its name, and figures without words.

    In the result of a job, files and commands are counted already.
    """
    name = "completed" if report.get("status") == Status.DONE else "failed"
    told = {each: report[each] for each in TOLD if each in report}
    for each in ("files", "commands"):
        said = report.get(each, ())
        told[each] = said if isinstance(said, int) else len(said)
    return f"agent.task.{name}", told


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a task.

    Attributes:
        task: Its id.
        status: How it ended.
        result: The last words of the model, or why there are none.
        apply: Whether it really acted.
        files: Files that were written, or would have been.
        commands: Commands that were run, or would have been.
        tools: How often each tool was used.
        steps: How often the model was asked.
        tokens: How many tokens that took.
        seconds: How long it took.
    """

    task: str
    status: Status
    result: str
    apply: bool
    files: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    tools: Mapping[str, int] = field(default_factory=dict)
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "task": self.task,
            "status": self.status.value,
            "result": self.result,
            "apply": self.apply,
            "files": list(self.files),
            "commands": list(self.commands),
            "tools": dict(self.tools),
            "steps": self.steps,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }
