# SPDX-License-Identifier: Apache-2.0
"""What the lines of a transcript say, there and back; pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from beast_ops.errors import ConflictError
from beast_ops.llm.talk import Message, Reply

from .model import Call, Report, Status, Task
from .transcript import Line
from .words import CHARACTERS


def described(task: Task) -> dict[str, Any]:
    """Return *task* and its bounds as its first line has them."""
    allowed = task.allowed
    return {
        "task": task.id,
        "words": task.words,
        "model": task.model,
        "apply": allowed.apply,
        "folders": {name: str(path) for name, path in allowed.roots.items()},
        "commands": [
            {"words": list(each.words), "program": each.program, "more": each.more}
            for each in allowed.commands
        ],
        "collections": list(allowed.collections),
        "limits": asdict(task.limits),
    }


def require_same(first: Line, task: Task) -> None:
    """Return if *task* has the bounds that the *first* line of its transcript has.

    Raises:
        ConflictError: If it has others.
    """
    if any(first.get(name) != said for name, said in described(task).items()):
        raise ConflictError(
            "what this task may do was changed meanwhile",
            subject=task.id,
            hint="Look at what it left, then start a new task.",
        )


def report_of(line: Line) -> Report:
    """Return the report in the last line of a transcript."""
    said = dict(line["report"])
    said["status"] = Status(said["status"])
    for name in ("files", "commands"):
        said[name] = tuple(said[name])
    return Report(**said)


def key_of(call: Call) -> str:
    """Return what two calls have in common that ask for the same."""
    return json.dumps([call.tool, call.arguments], sort_keys=True)


def tokens_of(messages: Sequence[Message], reply: Reply) -> int:
    """Return how many tokens a question took, by the server's count; about, if it has none."""
    counted = reply.ending.prompt_tokens + reply.ending.answer_tokens
    about = sum(len(each.text) for each in messages) + len(reply.text)
    return counted or about // CHARACTERS
