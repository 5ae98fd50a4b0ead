# SPDX-License-Identifier: Apache-2.0
"""What a model's reply means, whatever it says; pure.

Models ask for tools in the server's own way, or write the call into their text as JSON: alone, in
a fenced block, or between tags. All of it is text of a stranger: what makes no sense becomes a
call that is wrong, and says why.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from beast_ops.llm.talk import Reply

from .model import Call

AT_ONCE = 8  # calls of one reply that are carried out
TEXT_CHARACTERS = 100_000
NAME_CHARACTERS = 64
DEEPEST = 8  # levels of arguments: no tool of ours has more than two
LARGEST = 2_000_000  # characters of arguments: more than any file that may be written
FENCE, TAG = "```", "tool_call"
PIECES = 32  # of a text that are looked at
_HALVES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Understood:
    """What a reply says, what it asks for, and how many calls of it were too many."""

    text: str
    calls: tuple[Call, ...] = ()
    left_out: int = 0


def understand(reply: Reply, known: frozenset[str], number: int) -> Understood:
    """Return what *reply* means.

    Args:
        reply: What the model said.
        known: The names of the tools there are.
        number: Of the step; makes names for calls that have none.
    """
    text = plain(reply.text)[:TEXT_CHARACTERS]
    found = [_call(each.name, each.arguments, each.id, each.wrong) for each in reply.calls]
    if not found:
        found = list(_written(text, known))
    named = [
        each if each.id else Call(each.tool, each.arguments, f"call-{number}-{place}", each.wrong)
        for place, each in enumerate(found[:AT_ONCE])
    ]
    return Understood(text, tuple(named), max(0, len(found) - AT_ONCE))


def plain(text: str) -> str:
    """Return *text* without what no encoding can carry: halves of characters."""
    return _HALVES.sub("\ufffd", text)


def _written(text: str, known: frozenset[str]) -> Iterator[Call]:
    """Yield the calls that a model wrote into its text, if they name a tool there is."""
    for piece in _pieces(text):
        said = loaded(piece)
        for each in said if isinstance(said, list) else [said]:
            if isinstance(each, Mapping) and (call := _of(each, known)) is not None:
                yield call


def _pieces(text: str) -> Iterator[str]:
    """Yield what may be a call; by no expression, whose time strangers could choose."""
    whole = text.strip()
    if whole.startswith(("{", "[")):
        yield whole
    for piece in text.split(f"<{TAG}>", PIECES)[1:]:
        yield piece.partition(f"</{TAG}>")[0]
    for piece in text.split(FENCE, 2 * PIECES)[1::2]:
        first, _, rest = piece.partition("\n")
        yield rest if first.strip() in ("", "json", TAG) else piece


def _of(said: Mapping[str, Any], known: frozenset[str]) -> Call | None:
    inner = said.get("function")
    told = inner if isinstance(inner, Mapping) else said
    name = told.get("name")
    arguments = told.get("arguments", told.get("parameters"))
    if not isinstance(name, str) or name not in known or arguments is None:
        return None
    if isinstance(arguments, str):
        arguments = loaded(arguments)
    return _call(name, arguments, "", "")


def loaded(text: str) -> Any:
    """Return the JSON in *text*; nothing if it is none, or nobody could read it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _call(name: str, arguments: Any, id_: str, wrong: str) -> Call:
    name, id_ = plain(name)[:NAME_CHARACTERS], plain(id_)[:NAME_CHARACTERS]
    if wrong or not isinstance(arguments, Mapping):
        return Call(name, {}, id_, "its arguments are no JSON object")
    try:
        return Call(name, _cleaned(arguments, DEEPEST), id_)
    except ValueError as why:
        return Call(name, {}, id_, str(why))


def _cleaned(value: Any, deep: int) -> Any:
    """Return *value* as JSON can carry it; raises `ValueError` if it cannot."""
    if deep == 0:
        raise ValueError("its arguments are too deep")
    if isinstance(value, str):
        if len(value) > LARGEST:
            raise ValueError("its arguments are too large")
        return plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("its arguments are no JSON object")
    if isinstance(value, Mapping):
        return {plain(str(name)): _cleaned(each, deep - 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each, deep - 1) for each in value]
    return value if isinstance(value, int | float | bool | None) else str(value)
