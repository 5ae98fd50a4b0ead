# SPDX-License-Identifier: Apache-2.0
"""What tests of tasks share: a model that says what it is told to, and a world around it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beast_ops.llm.talk import Ending, Reply, ToolCall
from beast_ops.runner import Ended
from beast_ops.tasks.allow import Wish, allowed
from beast_ops.tasks.hands import Outside, open_hands
from beast_ops.tasks.loop import Way, carry_out
from beast_ops.tasks.model import Limits, Task
from beast_ops.tasks.transcript import Transcript

NAME = "0123456789abcdef"
ABLE = "qwen3:4b"


def asks(name: str, arguments: Any) -> dict[str, Any]:
    """Return what a server says when a model calls a tool."""
    return {"content": "", "tool_calls": [{"function": {"name": name, "arguments": arguments}}]}


SAID = [
    ["1. Look. ", "2. Write."],
    [asks("read", {"path": "notes/a.md"})],
    [asks("write", {"path": "sandbox/sum.md", "text": "Once a year."})],
    ['{"name": "list", "arguments": {"path": "sandbox"}}'],
    ["It is ", "done."],
]


def call(tool: str, **arguments: Any) -> ToolCall:
    return ToolCall(tool, arguments)


def reply(*calls: ToolCall, text: str = "", reason: str = "stop") -> Reply:
    return Reply(text, Ending(reason, 10, 5), calls)


PLAN = reply(text="1. Look. 2. Act.")
DONE = reply(text="It is done.")


@dataclass
class Script:
    """A model: says one thing after the other, the last one for ever."""

    replies: list[Reply]
    asked: list[Any] = field(default_factory=list)

    def __call__(self, messages: Sequence[Any], tools: Sequence[Any], seconds: float) -> Reply:
        self.asked.append((list(messages), tuple(tools), seconds))
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def told(self) -> list[str]:
        """Return what came of its calls, as it was told last."""
        return [each.text for each in self.asked[-1][0] if each.speaker == "tool"]


@dataclass
class Started:
    """What was started, instead of starting it."""

    argv: list[tuple[str, ...]] = field(default_factory=list)
    ended: Ended = field(default_factory=lambda: Ended(0, "ran\n"))

    def __call__(self, program: str, argv: Sequence[str], *_: Any) -> Ended:
        self.argv.append((program, *argv))
        return self.ended


@dataclass
class Stage:
    """A folder `notes` that may be read, a sandbox, an installation, and what is beside them."""

    base: Path
    started: Started = field(default_factory=Started)
    shown: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for each in ("notes", "out", "root/secrets"):
            (self.base / each).mkdir(parents=True)
        (self.base / "notes" / "a.md").write_text("Rotate the keys once a year.\n")
        (self.base / "outside.txt").write_text("OUTSIDE")
        (self.base / "root" / "secrets" / "master").write_text("OUTSIDE")

    @property
    def transcript(self) -> Path:
        return self.base / "transcripts" / f"{NAME}.jsonl"

    def wish(self, **said: Any) -> Wish:
        usual = {"folders": (str(self.base / "notes"),), "sandbox": str(self.base / "out")}
        return Wish(**{**usual, **said})

    def task(self, limits: Limits | None = None, **said: Any) -> Task:
        bounds = allowed(self.wish(**said), (self.base / "root",))
        return Task("Do it.", "m", bounds, limits or Limits(), NAME)

    def run(self, script: Script, task: Task | None = None, **way: Any) -> Any:
        task = task or self.task()
        find = way.pop("find", lambda _, __: [])
        show = way.pop("show", lambda kind, line: self.shown.append((kind, line)))
        with ExitStack() as stack:
            outside = Outside(find, self.started)
            hands = stack.enter_context(open_hands(task.allowed, task.limits, task.id, outside))
            written = stack.enter_context(Transcript(self.transcript))
            return carry_out(task, hands, written, Way(script, show, **way))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(row) for row in self.transcript.read_text().splitlines()]

    def files(self) -> dict[str, bytes]:
        """Return all files beside the transcripts, by their paths."""
        return {
            str(path.relative_to(self.base)): path.read_bytes()
            for path in self.base.rglob("*")
            if path.is_file() and "transcripts" not in path.parts
        }
