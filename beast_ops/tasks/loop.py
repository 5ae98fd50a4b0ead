# SPDX-License-Identifier: Apache-2.0
"""The loop of a task: the model plans, asks for tools, and is told what came of it.

All that happens is in the transcript before anything else happens, so that a task whose process
was killed goes on from there: what was done is not done again, and what was begun is settled.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from beast_ops.clock import SYSTEM, Clock
from beast_ops.llm.talk import Message, Reply, Tool, ToolCall

from . import words
from .beneath import RefusedError
from .hands import Hands, UnknownError
from .lines import described, key_of, report_of, require_same, tokens_of
from .model import Call, Observation, Report, Status, Task
from .tools import Run, action_of, tools_for
from .transcript import Line, Transcript
from .understand import understand

TWICE, TOO_OFTEN = 2, 5  # identical calls that are carried out, and that end the task
SILENT = 3  # replies with nothing in them that end the task
CUT_SHORT = "the model's answer was cut, longer than a quarter of its context: "
CUT = frozenset({"length"})  # why an answer ended that was cut


class Asks(Protocol):
    """What asks the model of the task; see `speak.Speaker.ask`."""

    def __call__(self, messages: Sequence[Message], tools: Sequence[Tool], seconds: float) -> Reply:
        """Return what it says."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How a task is carried out.

    Attributes:
        ask: Asks the model.
        show: Told of each line of the transcript, and its kind.
        check: Raises if the task is to end.
        ending: Returns how a task ends with an exception; nothing if it goes on another time.
        clock: What time it is.
    """

    ask: Asks
    show: Callable[[str, Line], None] = lambda _, __: None
    check: Callable[[], None] = lambda: None
    ending: Callable[[BaseException], Status | None] = lambda _: Status.FAILED
    clock: Clock = SYSTEM


class _EndedError(Exception):
    """The task is over."""

    def __init__(self, status: Status, result: str) -> None:
        super().__init__(result)
        self.status, self.result = status, result


def carry_out(task: Task, hands: Hands, transcript: Transcript, way: Way) -> Report:
    """Carry *task* out, or go on with it, and return what came of it.

    Args:
        task: What is to be done.
        hands: What does it.
        transcript: Where it is noted.
        way: How.

    Raises:
        BeastError: If the model server fails.
    """
    if transcript.lines and transcript.lines[-1]["kind"] == "report":
        return report_of(transcript.lines[-1])
    return _Going(task, hands, transcript, way).go()


@dataclass(slots=True)
class _Going:
    """A task under way."""

    task: Task
    hands: Hands
    transcript: Transcript
    way: Way
    messages: list[Message] = field(default_factory=list)
    waiting: list[Call] = field(default_factory=list)
    intent: Mapping[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    files: dict[str, None] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    planned: bool = False
    steps: int = 0
    tokens: int = 0
    silent: int = 0
    said: str = ""
    last: Line | None = None
    before: float = 0.0
    begun: float = 0.0

    def go(self) -> Report:
        self.begun = self.way.clock.monotonic()
        try:
            self.begin()
            while True:
                self.turn()
        except _EndedError as ended:
            return self.end(ended.status, ended.result)
        except UnknownError:
            return self.end(Status.UNKNOWN, "its process was killed, and nobody knows more")
        except BaseException as stopped:
            if (status := self.way.ending(stopped)) is not None:
                self.end(status, str(stopped) or "it was interrupted")
            raise

    def begin(self) -> None:
        self.messages = words.opening(self.task.words, self.task.allowed)
        if not self.transcript.lines:
            self.take("task", **described(self.task), at=self.way.clock.now().isoformat())
        else:
            self.go_on(list(self.transcript.lines))
        if not self.planned:
            self.plan()

    def go_on(self, lines: Sequence[Line]) -> None:
        """Be where a process was that is gone, by what it left behind.

        Raises:
            ConflictError: If it had other bounds.
        """
        require_same(lines[0], self.task)
        for line in lines:
            self.replay(line)
        self.before = float(lines[-1]["seconds"])
        self.take("resumed")

    def turn(self) -> None:
        """Do what the last reply asks for, or end if it asks for nothing, and ask for the next."""
        while self.waiting:
            self.way.check()
            self.act(self.waiting[0])
        self.judge()
        self.within()
        tools = tools_for(self.task.allowed)
        reply = self.ask(self.messages, tools)
        found = understand(reply, frozenset(tool.name for tool in tools), self.steps + 1)
        self.take(
            "reply",
            text=found.text,
            calls=[asdict(call) for call in found.calls],
            left_out=found.left_out,
            cut=reply.ending.reason in CUT,
            tokens=tokens_of(self.messages, reply),
        )

    def judge(self) -> None:
        """End the task if the model has nothing more to do."""
        last, self.last = self.last, None
        if last is None:
            return
        text = last["text"].strip()
        if last["cut"]:
            raise _EndedError(Status.LIMIT, f"{CUT_SHORT}{text[:200]}")
        if text:
            raise _EndedError(Status.DONE, text)
        if self.silent >= SILENT:
            raise _EndedError(Status.STUCK, "the model says nothing")

    def plan(self) -> None:
        asked = [*self.messages, Message("user", words.PLAN)]
        reply = self.ask(asked, ())
        text = understand(reply, frozenset(), 0).text
        self.take("plan", text=text, tokens=tokens_of(asked, reply))

    def ask(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Reply:
        self.way.check()
        left = self.task.limits.seconds - self.taken
        fitting = words.fitting(messages, self.task.limits.context)
        try:
            return self.way.ask(fitting, tools, max(left, 0.0))
        except TimeoutError:
            raise _EndedError(Status.LIMIT, "its time is used up") from None

    def within(self) -> None:
        """End the task if its limits are reached."""
        limits = self.task.limits
        used = (
            ("steps are", self.steps >= limits.steps),
            ("tokens are", self.tokens >= limits.tokens),
            ("time is", self.taken >= limits.seconds),
        )
        for name, reached in used:
            if reached:
                last = f"; it said last: {self.said}" if self.said else ""
                raise _EndedError(Status.LIMIT, f"all its {name} used up{last}")

    def act(self, call: Call) -> None:
        """Do what *call* asks for, and note what came of it."""
        name = ""
        try:
            action = action_of(call, self.task.allowed)
            name = action.name if isinstance(action, Run) else ""
            if self.intent:
                seen = self.hands.settle(action, self.intent)
            elif (often := self.asked[key_of(call)]) >= TWICE:
                if often + 1 >= TOO_OFTEN:
                    raise _EndedError(Status.STUCK, f"the model asks for {call.tool} for ever")
                seen = Observation("Not done: this was done before, see above.", well=False)
            else:
                intent = self.hands.intent(action)
                if intent:
                    self.take("intent", intent=intent)
                seen = self.hands.do(action)
        except RefusedError as refused:
            seen = Observation(f"Not done: {refused}.", well=False)
        told = words.marked(call, seen)
        self.take("observation", call=asdict(call), told=told, command=name, **asdict(seen))

    def take(self, kind: str, **said: Any) -> None:
        """Note what happened, go on from it, and show it, which may be what ends us."""
        self.transcript.add(kind, **said, seconds=round(self.taken, 3))
        line = self.transcript.lines[-1]
        self.replay(line)
        self.way.show(kind, line)

    def replay(self, line: Line) -> None:
        """Go on from *line* as if it had just happened."""
        match line["kind"]:
            case "plan":
                self.planned = True
                self.tokens += line["tokens"]
                self.messages += [Message("user", words.PLAN), Message("assistant", line["text"])]
                self.messages.append(Message("user", words.GO_ON))
            case "reply":
                self.replied(line)
            case "intent":
                self.intent = line["intent"]
            case "observation":
                self.observed(line)

    def replied(self, line: Line) -> None:
        self.steps += 1
        self.tokens += line["tokens"]
        self.said = line["text"].strip() or self.said
        self.waiting = [Call(**each) for each in line["calls"]]
        calls = tuple(ToolCall(each.tool, each.arguments, each.id) for each in self.waiting)
        self.messages.append(Message("assistant", line["text"], calls=calls))
        self.last = None if self.waiting else line
        if not self.waiting and not line["text"].strip():
            self.silent += 1
            self.messages.append(Message("user", words.GO_ON))

    def observed(self, line: Line) -> None:
        call = Call(**line["call"])
        self.waiting, self.intent = self.waiting[1:], {}
        answered = ToolCall(call.tool, call.arguments, call.id)
        self.messages.append(Message("tool", line["told"], answers=answered))
        often = self.asked[key_of(call)] + 1
        if line["changed"]:
            self.asked.clear()
        self.asked[key_of(call)] = often
        self.tools[call.tool] += line["well"]
        if line["file"]:
            self.files[line["file"]] = None
            self.hands.remember(action_of(call, self.task.allowed))
        if line["command"] and line["shown"]:
            self.commands.append(line["command"])

    @property
    def taken(self) -> float:
        """Seconds this took so far, in all attempts."""
        return self.before + self.way.clock.monotonic() - self.begun

    def end(self, status: Status, result: str) -> Report:
        begun = {name: self.intent[name] for name in ("file", "run") if name in self.intent}
        if begun:
            result = f"{result}; begun, and perhaps not done: {''.join(begun.values())}"
        report = Report(
            task=self.task.id,
            status=status,
            result=result,
            apply=self.task.allowed.apply,
            files=tuple(dict.fromkeys([*self.files, *filter(None, [begun.get("file")])])),
            commands=(*self.commands, *filter(None, [begun.get("run")])),
            tools={name: many for name, many in self.tools.items() if many},
            steps=self.steps,
            tokens=self.tokens,
            seconds=round(self.taken, 3),
        )
        self.take("report", report=report.as_dict())
        return report
