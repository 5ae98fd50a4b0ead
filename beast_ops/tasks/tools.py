# SPDX-License-Identifier: Apache-2.0
"""Which tools there are, and what a call of one means within what is allowed; pure."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from beast_ops.llm.talk import Tool

from .beneath import RefusedError, is_private, parts_of
from .model import SANDBOX, Allowed, Call

QUERY_CHARACTERS = 1000
FILE_BYTES = 1 << 20  # of one file that is written
WORDS = 64  # of a command
WORD_CHARACTERS = 4000
LINES = 10_000_000  # of a file: no number beyond it means anything


@dataclass(frozen=True, slots=True)
class Read:
    """Read the file at `parts` of the folder `root`, from a line on."""

    root: str
    parts: tuple[str, ...]
    line: int = 1


@dataclass(frozen=True, slots=True)
class List:
    """List the folder at `parts` of the folder `root`; all roots if that is empty."""

    root: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """Search a collection."""

    collection: str
    query: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write a file at `parts` of the sandbox."""

    parts: tuple[str, ...]
    content: bytes

    @property
    def name(self) -> str:
        """How the model calls it."""
        return "/".join((SANDBOX, *self.parts))


@dataclass(frozen=True, slots=True)
class Run:
    """Run `program` with `argv`, whose first word is how it was called."""

    program: str
    argv: tuple[str, ...]

    @property
    def name(self) -> str:
        """The command as one would type it."""
        return shlex.join(self.argv)


Action = Read | List | Search | Write | Run


def tools_for(allowed: Allowed) -> tuple[Tool, ...]:
    """Return the tools that a model is told of: those it can use."""
    found = []
    if allowed.roots:
        names = ", ".join(allowed.roots)
        listing = f"List a folder, or . for all of them. Folders: {names}."
        reading = "Read a text file, from a line on."
        found.append(_tool("list", listing, {"path": "string"}))
        found.append(_tool("read", reading, {"path": "string", "line": "integer"}, "line"))
    if allowed.collections:
        told = f"Search the documents of a collection: {', '.join(allowed.collections)}."
        kinds = {"query": "string", "collection": "string"}
        found.append(_tool("search", told, kinds, "collection"))
    if allowed.sandbox is not None:
        told = f"Write a whole text file below {SANDBOX}/."
        found.append(_tool("write", told, {"path": "string", "text": "string"}))
    if allowed.commands and allowed.sandbox is not None:
        known = "; ".join(_shown(each.words, more=each.more) for each in allowed.commands)
        told = f"Run one of these commands in {SANDBOX}/, without a shell: {known}."
        argv = {"type": "array", "items": {"type": "string"}}
        found.append(Tool("run", told, _schema({"argv": argv}, "")))
    return tuple(found)


def action_of(call: Call, allowed: Allowed) -> Action:
    """Return what *call* means.

    Raises:
        RefusedError: If it makes no sense, or is not allowed.
    """
    known = {each.name: each.parameters for each in tools_for(allowed)}
    if call.tool not in known:
        raise RefusedError(f"there is no such tool; there are: {', '.join(known) or 'none'}")
    if call.wrong:
        raise RefusedError(call.wrong)
    odd = call.arguments.keys() - known[call.tool]["properties"].keys()
    if odd:
        raise RefusedError(f"{call.tool} has no argument {min(odd)[:40]!r}")
    return _MAKERS[call.tool](call.arguments, allowed)


def _read(said: Mapping[str, Any], allowed: Allowed) -> Read:
    root, parts = _place(said, allowed)
    line = said.get("line", 1)
    if isinstance(line, bool) or not isinstance(line, int) or not 1 <= line <= LINES:
        raise RefusedError("line is the number of a line, from 1 on")
    if not parts:
        raise RefusedError("this is a folder; list it")
    return Read(root, parts, line)


def _list(said: Mapping[str, Any], allowed: Allowed) -> List:
    if not parts_of(_text(said, "path")):
        return List("", ())
    return List(*_place(said, allowed))


def _search(said: Mapping[str, Any], allowed: Allowed) -> Search:
    query = _text(said, "query").strip()
    collection = said.get("collection", allowed.collections[0])
    if collection not in allowed.collections:
        raise RefusedError(f"the collections are: {', '.join(allowed.collections)}")
    if not query or len(query) > QUERY_CHARACTERS:
        raise RefusedError(f"a query has from 1 to {QUERY_CHARACTERS} characters")
    return Search(collection, query)


def _write(said: Mapping[str, Any], _: Allowed) -> Write:
    first, *rest = parts_of(_text(said, "path")) or ("",)
    if first != SANDBOX or not rest:
        raise RefusedError(f"files are written below {SANDBOX}/ alone, such as {SANDBOX}/notes.md")
    for part in rest:
        if is_private(part) or not part.isprintable():
            raise RefusedError("nothing is written under such a name")
    content = _text(said, "text").encode()
    if len(content) > FILE_BYTES:
        raise RefusedError(f"a file has no more than {FILE_BYTES} bytes")
    return Write(tuple(rest), content)


def _run(said: Mapping[str, Any], allowed: Allowed) -> Run:
    argv = said.get("argv")
    if isinstance(argv, str):
        try:
            argv = shlex.split(argv)
        except ValueError:
            argv = None
    if not isinstance(argv, list) or not argv or len(argv) > WORDS:
        raise RefusedError("argv is a list of words")
    for word in argv:
        if not isinstance(word, str) or "\0" in word or len(word) > WORD_CHARACTERS:
            raise RefusedError("argv is a list of words")
    words = tuple(argv)
    for each in allowed.commands:
        if each.allows(words):
            return Run(each.program, words)
    known = "; ".join(_shown(each.words, more=each.more) for each in allowed.commands)
    raise RefusedError(f"this command is not allowed; allowed are: {known}")


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], Allowed], Action]] = {
    "read": _read,
    "list": _list,
    "search": _search,
    "write": _write,
    "run": _run,
}
TOOLS = frozenset(_MAKERS)


def _place(said: Mapping[str, Any], allowed: Allowed) -> tuple[str, tuple[str, ...]]:
    first, *rest = parts_of(_text(said, "path")) or ("",)
    if first not in allowed.roots:
        raise RefusedError(f"paths begin with one of: {', '.join(allowed.roots)}")
    return first, tuple(rest)


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise RefusedError(f"{name} is missing, or no text")
    return value


def _shown(words: tuple[str, ...], *, more: bool) -> str:
    return shlex.join(words) + (" …" if more else "")


def _tool(name: str, told: str, kinds: Mapping[str, str], free: str = "") -> Tool:
    return Tool(name, told, _schema({each: {"type": kind} for each, kind in kinds.items()}, free))


def _schema(properties: Mapping[str, Any], free: str) -> dict[str, Any]:
    required = [name for name in properties if name != free]
    return {"type": "object", "properties": dict(properties), "required": required}
