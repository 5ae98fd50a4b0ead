# SPDX-License-Identifier: Apache-2.0
"""The hands of a task: the only place where what was decided is done.

They get actions, which only `tools.action_of` makes, and are bounded a second time by the folders
they opened before the model was asked anything.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beast_ops.errors import BeastError
from beast_ops.health.show import visible
from beast_ops.runner import Bounds, Ended, Start, start

from .beneath import Beneath, RefusedError
from .difference import difference
from .model import SANDBOX, Allowed, Limits, Observation
from .tools import Action, List, Read, Run, Search, Write

READ_BYTES = 4 << 20
ENTRIES = 200
OUTPUT_BYTES = 64 << 10
HITS = 5
NOT_RUN = "It would be run; this is a dry run."

Find = Callable[[str, str], Sequence[Mapping[str, Any]]]
"""Takes a collection and a query; returns passages with `text` and where they are from."""


class UnknownError(Exception):
    """A command was begun once, and nobody knows how it ended."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the hands need from others.

    Attributes:
        find: Searches the collections.
        start: Runs a command.
        check: Raises if the task is to end; asked while a command runs.
    """

    find: Find
    start: Start = start
    check: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Hands:
    """What acts for one task; `open_hands` makes it."""

    allowed: Allowed
    limits: Limits
    name: str
    outside: Outside
    roots: Mapping[str, Beneath]
    planned: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    written: dict[tuple[str, ...], int] = field(default_factory=dict)

    def intent(self, action: Action) -> dict[str, str]:
        """Return what has to be noted before *action*, to know afterwards whether it was done."""
        if not self.allowed.apply:
            return {}
        if isinstance(action, Write):
            states = {"before": self._state(action), "after": _hash(action.content)}
            return {"file": action.name, **states}
        return {"run": action.name} if isinstance(action, Run) else {}

    def settle(self, action: Action, intent: Mapping[str, str]) -> Observation:
        """Return what came of *action*, which was begun with *intent* by a process that is gone.

        Raises:
            UnknownError: If nobody can know.
        """
        if isinstance(action, Write) and self._state(action) == intent.get("after"):
            self._note(action)
            return Observation(f"{action.name} was written.", file=action.name, changed=True)
        if isinstance(action, Write) and self._state(action) == intent.get("before"):
            return self.do(action)
        raise UnknownError

    def remember(self, action: Action) -> None:
        """Note *action*, of which a process that is gone has told what came of it."""
        if isinstance(action, Write):
            self._note(action)

    def do(self, action: Action) -> Observation:
        """Return what comes of *action*; what fails is an observation, too."""
        try:
            return self._do(action)
        except RefusedError as refused:
            return Observation(f"Not done: {refused}.", well=False)
        except OSError as wrong:
            return Observation(f"Not done: {wrong.strerror or 'it failed'}.", well=False)
        except UnicodeError:
            return Observation("Not done: no file can have this name.", well=False)

    def _do(self, action: Action) -> Observation:
        match action:
            case Read():
                return self._read(action)
            case List():
                return self._list(action)
            case Search():
                return self._search(action)
            case Write():
                return self._write(action)
        return self._run(action)

    def _read(self, action: Read) -> Observation:
        text = _decoded(self._content(action.root, action.parts))
        lines = text.splitlines(keepends=True)
        if lines and action.line > len(lines):
            return Observation(f"(There are {len(lines)} lines.)")
        taken: list[str] = []
        notes: list[str] = []
        room = self.limits.context
        for line in lines[action.line - 1 :]:
            if len(line) > room:
                if not taken:
                    taken.append(line[:room])
                    notes.append(f"(Line {action.line} is cut: it has {len(line)} characters.)")
                break
            taken.append(line)
            room -= len(line)
        last = action.line - 1 + len(taken)
        if last < len(lines):
            notes.append(f"(Lines {action.line} to {last} of {len(lines)}.)")
        return Observation("\n".join(["".join(taken), *notes]))

    def _content(self, root: str, parts: tuple[str, ...]) -> bytes:
        if root == SANDBOX and parts in self.planned:
            return self.planned[parts]
        return self.roots[root].read(parts, READ_BYTES)

    def _list(self, action: List) -> Observation:
        if not action.root:
            return Observation("\n".join(f"{name}/" for name in self.allowed.roots))
        rows = self._planned_in(action)
        with suppress(FileNotFoundError) if rows else nullcontext():
            entries, more = self.roots[action.root].list(action.parts, ENTRIES)
            there = {each.name: None if each.folder else each.bytes for each in entries}
            rows = {**there, **rows, **({"…": None} if more else {})}
        shown = [
            f"{visible(name)}/" if size is None else f"{visible(name)} ({size} bytes)"
            for name, size in sorted(rows.items())
        ]
        return Observation("\n".join(shown) or "(nothing)")

    def _planned_in(self, action: List) -> dict[str, int | None]:
        """Return what a dry run would have written in a folder."""
        if action.root != SANDBOX:
            return {}
        deep, found = len(action.parts), dict[str, int | None]()
        for name, content in self.planned.items():
            if name[:deep] == action.parts and len(name) > deep:
                found[name[deep]] = len(content) if len(name) == deep + 1 else None
        return found

    def _search(self, action: Search) -> Observation:
        try:
            found = self.outside.find(action.collection, action.query)
        except BeastError as failed:
            return Observation(f"Not done: {failed}.", well=False)
        hits = [f"[{each.get('path') or each.get('source')}]\n{each['text']}" for each in found]
        return Observation("\n\n".join(hits[:HITS])[: self.limits.context] or "(nothing found)")

    def _write(self, action: Write) -> Observation:
        before = self._now(action)
        written = {**self.written, action.parts: len(action.content)}
        if len(written) > self.limits.files or sum(written.values()) > self.limits.written:
            raise RefusedError("this task may not write more")
        shown = difference(action.name, before, action.content)
        if self.allowed.apply:
            self.roots[SANDBOX].write(action.parts, action.content, f".beast-{self.name}")
        self._note(action)
        said = f"{action.name} {'was' if self.allowed.apply else 'would be'} written."
        return Observation(said, file=action.name, shown=shown, changed=True)

    def _note(self, action: Write) -> None:
        self.written[action.parts] = len(action.content)
        if not self.allowed.apply:
            self.planned[action.parts] = action.content

    def _run(self, action: Run) -> Observation:
        if not self.allowed.apply:
            return Observation(NOT_RUN, shown=f"$ {action.name}")
        sandbox = self.roots[SANDBOX]
        if not sandbox.is_in_place():
            raise RefusedError("the sandbox is not where it was")
        bounds = Bounds(sandbox.path, self.limits.command, OUTPUT_BYTES, self.outside.check)
        ended = self.outside.start(action.program, action.argv, bounds)
        return Observation(
            self._said(ended), ended.code == 0, shown=f"$ {action.name}", changed=True
        )

    def _said(self, ended: Ended) -> str:
        how = f"It ended with {ended.code}."
        if ended.code is None:
            how = f"It was ended: it took longer than {self.limits.command:g} s."
        output = ended.output[: self.limits.context]
        cut = "\n(There was more.)" if ended.cut or len(output) < len(ended.output) else ""
        return f"{how}\n{output}{cut}".rstrip()

    def _now(self, action: Write) -> bytes | None:
        with suppress(FileNotFoundError):
            return self._content(SANDBOX, action.parts)
        return None

    def _state(self, action: Write) -> str:
        """Return what tells one content of the file from another; nothing if there is no file."""
        try:
            found = self._now(action)
        except (RefusedError, OSError):
            return "?"
        return "" if found is None else _hash(found)


@contextmanager
def open_hands(allowed: Allowed, limits: Limits, name: str, outside: Outside) -> Iterator[Hands]:
    """Open the folders of *allowed*, each once and for the whole task.

    Args:
        allowed: All that may be done.
        limits: How much.
        name: Of the task.
        outside: What is needed from others.

    Raises:
        UsageError: If a folder cannot be opened.
    """
    with ExitStack() as stack:
        roots = {}
        for each, path in allowed.roots.items():
            roots[each] = Beneath(path, allowed.never)
            stack.callback(roots[each].close)
        yield Hands(allowed, limits, name, outside, roots)


def _decoded(content: bytes) -> str:
    """Return *content* as text; raises `RefusedError` if it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise RefusedError("this is no text in UTF-8")
    return text


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def folder_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Return *folders* by the names a model knows them by, each another one."""
    found: dict[str, Path] = {}
    for path in folders:
        name, number = path.name, 2
        while name in found or name == SANDBOX:
            name, number = f"{path.name}-{number}", number + 1
        found[name] = path
    return found
