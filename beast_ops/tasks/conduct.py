# SPDX-License-Identifier: Apache-2.0
"""Carry a task out with everything it needs: open what it uses, tell what happens, close it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from beast_ops.clock import SYSTEM, Clock

from . import transcript
from .hands import Outside, open_hands
from .lines import report_of
from .loop import Way, carry_out
from .model import Report, Status, Task, event_of
from .speak import Server, open_speaker
from .transcript import Line

KEPT = 500  # transcripts, besides the one that begins

Publish = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a task.

    Attributes:
        server: Where its model is.
        folder: Where its transcript goes.
        outside: What its hands need from others.
        publish: Told of events: their name, and what belongs to them.
        show: Told of each line of the transcript, and its kind.
        ending: Returns how a task ends with an exception; nothing if it goes on another time.
        clock: What time it is.
    """

    server: Server
    folder: Path
    outside: Outside
    publish: Publish = lambda _, **__: None
    show: Callable[[str, Line], None] = lambda _, __: None
    ending: Callable[[BaseException], Status | None] = lambda _: Status.FAILED
    clock: Clock = SYSTEM


def conduct(task: Task, around: Around) -> Report:
    """Carry *task* out, or go on with it, and return what came of it.

    Raises:
        UsageError: If a folder cannot be opened, or the model cannot use tools.
        BeastError: If the model server fails.
    """
    check, path = around.outside.check, transcript.path_of(around.folder, task.id)
    lines = transcript.read(path) if path.exists() else []
    if lines and lines[-1]["kind"] == "report":
        return report_of(lines[-1])  # its process was killed before it could tell anybody
    if lines:
        task = replace(task, model=str(lines[0].get("model")))
    else:
        transcript.forget(around.folder, KEPT)
    with ExitStack() as stack:
        speaker = stack.enter_context(open_speaker(around.server, task.model, task.limits, check))
        task = replace(task, model=speaker.model)
        hands = stack.enter_context(open_hands(task.allowed, task.limits, task.id, around.outside))
        written = stack.enter_context(transcript.Transcript(path))
        around.publish("agent.task.started", task=task.id, model=task.model)
        way = Way(speaker.ask, around.show, check, around.ending, around.clock)
        try:
            report = carry_out(task, hands, written, way)
        except BaseException as stopped:
            if (status := around.ending(stopped)) is not None:
                around.publish("agent.task.failed", task=task.id, status=status.value)
            raise
        name, told = event_of(report.as_dict())
        around.publish(name, **told)
        return report


def interrupted(stopped: BaseException) -> Status:
    """Return how a task that nobody goes on with ends with *stopped*."""
    return Status.FAILED if isinstance(stopped, Exception) else Status.CANCELLED
