# SPDX-License-Identifier: Apache-2.0
"""The rooms of the Python client, written from the API's description: `beast_ops/client/made/`.

Each room of operations is a file with its types, one with its methods, and one with the same
methods to be awaited: three files of one text cannot drift apart as three hands would.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from beast_ops.errors import MissingError

from .client_names import NAMES
from .client_types import PLAIN, definition, expression, gathered, reached

FOLDER = "beast_ops/client/made"
HEAD = (
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference\n"
    "# fmt: off\n"
)
JSON, EVENTS, BYTES = "application/json", "text/event-stream", "application/octet-stream"
_WORD = re.compile(r"\b[A-Z]\w+\b")
_PATH = re.compile(r"\{(\w+)\}")


def client_files(description: Mapping[str, Any]) -> dict[str, str]:
    """Return every file of `FOLDER`, by its path in the clone.

    Args:
        description: The API's, as OpenAPI 3.1 has it.

    Raises:
        MissingError: If an operation has no name in `NAMES`.
    """
    rooms: dict[str, list[_Operation]] = {}
    for path, item in description["paths"].items():
        for method, operation in item.items():
            found = _Operation(method.upper(), path, operation)
            rooms.setdefault(found.room, []).append(found)
    files = {"__init__.py": f'{HEAD}"""The rooms of the client; nobody edits them."""\n'}
    owned = _owned(description, rooms)
    for room, operations in rooms.items():
        files[f"{room}_types.py"] = _types(description, room, owned, operations)
        files[f"{room}.py"] = _room(room, operations, owned, wait=False)
        files[f"{room}_async.py"] = _room(room, operations, owned, wait=True)
    return {f"{FOLDER}/{name}": text for name, text in sorted(files.items())}


class _Operation:
    """One operation of the description, in the words of Python."""

    def __init__(self, method: str, path: str, operation: Mapping[str, Any]) -> None:
        if (method, path) not in NAMES:
            raise MissingError(
                "the Python client has no name for an operation",
                subject=f"{method} {path}",
                hint="Give it one in beast_ops/reference/client_names.py.",
            )
        self.method, self.path, self.operation = method, path, operation
        self.room, _, self.name = NAMES[method, path].partition(".")
        self.parts = _PATH.findall(path)
        said = operation.get("parameters", ())
        self.query = [each for each in said if each["in"] == "query"]
        contents = {
            kind: content
            for status, answer in operation["responses"].items()
            if status.startswith("2")
            for kind, content in answer.get("content", {}).items()
        }
        self.streams, self.answers = EVENTS in contents, JSON in contents
        self.answer = expression(contents[JSON]["schema"]) if self.answers else "None"
        body = operation.get("requestBody", {}).get("content", {})
        self.sends = BYTES in body
        self.body = expression(body[JSON]["schema"], given=True) if JSON in body else ""

    @property
    def asked(self) -> str:
        """How the type of its query is called; empty if it takes none."""
        return f"{self.name.title().replace('_', '')}Query" if self.query else ""

    def names(self) -> set[str]:
        """Return the types that its signature has."""
        return set(_WORD.findall(f"{self.answer} {self.body}")) - {"Literal", "Any", "Sequence"}


def _owned(description: Mapping[str, Any], rooms: Mapping[str, list[_Operation]]) -> dict[str, str]:
    """Return the room of each type: the first that needs it, with all that it is made of."""
    known, owned = gathered(description), {}
    for room, operations in rooms.items():
        waiting = sorted({name for each in operations for name in each.names()})
        while waiting:
            name = waiting.pop()
            if name in known and name not in owned:
                owned[name] = room
                waiting += sorted(set(_WORD.findall(str(definition(name, known[name])[1:]))))
    return owned


def _types(
    description: Mapping[str, Any],
    room: str,
    owned: Mapping[str, str],
    operations: list[_Operation],
) -> str:
    known, given = gathered(description), reached(description, "requestBody")
    mine = [name for name in known if owned.get(name) == room]
    lines = [line for name in mine for line in definition(name, known[name], given=name in given)]
    for each in operations:
        if each.query:
            lines += [f"class {each.asked}(TypedDict, total=False):"]
            lines += [f'    """What `{each.name}` may be asked besides."""', ""]
            lines += [f"    {one['name']}: {expression(one['schema'])}" for one in each.query]
            lines += ["", ""]
    text = "\n".join(lines).rstrip()
    strange = {name for name in _WORD.findall(text) if owned.get(name, room) != room}
    head = [
        f'{HEAD}"""Types of `client.{room}`."""',
        "",
        "from __future__ import annotations",
        "",
        "from collections.abc import Sequence",
        "from typing import Any, Literal, NotRequired, TypedDict",
        "",
        *_imports(strange, owned),
        "",
    ]
    return "\n".join([*head, text, ""])


def _imports(names: set[str], owned: Mapping[str, str]) -> Iterator[str]:
    by_room: dict[str, list[str]] = {}
    for name in sorted(names):
        by_room.setdefault(owned[name], []).append(name)
    for room, found in sorted(by_room.items()):
        yield f"from .{room}_types import {', '.join(found)}"


def _room(room: str, operations: list[_Operation], owned: Mapping[str, str], *, wait: bool) -> str:
    named = {name for each in operations for name in each.names() if name in owned}
    queries = sorted(each.asked for each in operations if each.query)
    imports = list(_imports(named, owned))
    if queries:
        imports.append(f"from .{room}_types import {', '.join(queries)}")
    kind = "Async" if wait else ""
    lines = [
        f'{HEAD}"""`client.{room}`{", to be awaited" if wait else ""}."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import TYPE_CHECKING, Any, Unpack",
        "",
        f"from beast_ops.client.room import {kind}Room, part",
        "",
        "if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them",
        f"    from collections.abc import {kind}Iterator",
        "",
        "    from beast_ops.client.room import AsyncContent, Content",
        "    from beast_ops.client.sse import Message",
        *(f"    {line}" for line in imports),
        "",
        "",
        f"class {kind}{room.title()}({kind}Room):",
        f'    """Operations of the API: {room}."""',
        "",
    ]
    for each in operations:
        lines += [*_method(each, wait=wait), ""]
    return "\n".join(lines)


def _method(each: _Operation, *, wait: bool) -> Iterator[str]:
    if each.answers or not each.streams:
        yield from _plain(each, wait=wait)
    if each.answers and each.streams:
        yield ""
    if each.streams:
        yield from _streaming(each, wait=wait)


def _plain(each: _Operation, *, wait: bool) -> Iterator[str]:
    head, call = ("async def", "await self._call") if wait else ("def", "self._call")
    yield f"    {head} {each.name}({_takes(each, wait=wait)}) -> {each.answer}:"
    yield f'        """{each.operation["summary"].rstrip(".")}."""'
    if each.answers:
        yield f"        found: {each.answer} = {call}({_gives(each)})"
        yield "        return found"
    else:
        yield f"        {call}({_gives(each)})"


def _streaming(each: _Operation, *, wait: bool) -> Iterator[str]:
    name = f"{each.name}_streamed" if each.answers else each.name
    kind = "AsyncIterator" if wait else "Iterator"
    more = f"{', stream=True' if each.answers else ''}"
    yield f"    def {name}({_takes(each, wait=wait)}) -> {kind}[Message]:"
    yield f'        """{each.operation["summary"].rstrip(".")}, as it comes."""'
    yield f"        return self._stream({_gives(each)}{more})"


def _takes(each: _Operation, *, wait: bool) -> str:
    kinds = {one["name"]: one["schema"] for one in each.operation.get("parameters", ())}
    words = ["self", *(f"{name}: {PLAIN[kinds[name]['type']]}" for name in each.parts)]
    if each.sends:
        words.append(f"content: {'AsyncContent' if wait else 'Content'}")
    if each.body and "|" in each.body:
        words.append(f"body: {each.body}")
    words.append("/")
    if each.query:
        words.append(f"**query: Unpack[{each.asked}]")
    elif each.body and "|" not in each.body:
        words.append(f"**body: Unpack[{each.body}]")
    return ", ".join(words)


def _gives(each: _Operation) -> str:
    path = _PATH.sub(lambda found: f"{{part({found[1]})}}", each.path)
    words = [f'"{each.method}"', f'{"f" if each.parts else ""}"{path}"']
    words += ["query=query"] * bool(each.query) + ["body=body"] * bool(each.body)
    words += ["content=content"] * each.sends
    return ", ".join(words)


__all__ = ["FOLDER", "client_files"]
