# SPDX-License-Identifier: Apache-2.0
"""Read JSON objects strictly: each field is taken with its type, what is left over is refused.

Not pydantic: bodies hold up to a million numbers, and Qdrant's unions would answer a misspelt
field with one complaint per alternative. Here every known field is named where it is used.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from .errors import invalid, malformed

T = TypeVar("T")

NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    dict: "an object",
    list: "a list",
}


def expect(value: Any, kind: type[T], where: str) -> T:
    """Return *value* if it is of *kind*; an integer serves as a number, a boolean never does.

    Raises:
        RefusedError: If it is of another kind.
    """
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return kind(value)  # type: ignore[call-arg] # the kind is float here
    raise malformed(f"{where}: expected {NAMES[kind]}, got {describe(value)}")


def describe(value: Any) -> str:
    """Return what *value* is, for a message; strings and numbers as they are, briefly."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)[:60]
    return NAMES.get(type(value), "something else")


class Fields:
    """One JSON object being read; every field read is crossed off."""

    def __init__(self, value: Any, where: str) -> None:
        """Read *value*, found at *where* (for messages)."""
        self.where = where
        self._left: dict[str, Any] = dict(expect(value, dict, where or "the body"))

    def __contains__(self, name: str) -> bool:
        """Tell whether a field is still to be read and says something."""
        return self._left.get(name) is not None

    def at(self, name: str) -> str:
        """Return the path of field *name*, for messages."""
        return f"{self.where}.{name}" if self.where else name

    @overload
    def take(self, name: str, kind: type[T]) -> T | None: ...
    @overload
    def take(self, name: str, kind: type[T], default: T) -> T: ...
    def take(self, name: str, kind: type[T], default: T | None = None) -> T | None:
        """Return field *name* as *kind*, or *default* where it is absent or null."""
        value = self._left.pop(name, None)
        return default if value is None else expect(value, kind, self.at(name))

    def need(self, name: str, kind: type[T]) -> T:
        """Return field *name* as *kind*; it must be there."""
        value = self.raw(name)
        if value is None:
            raise malformed(f"{self.where or 'the body'}: missing field `{name}`")
        return expect(value, kind, self.at(name))

    def raw(self, name: str) -> Any:
        """Return field *name* unjudged; null where absent."""
        return self._left.pop(name, None)

    def read(self, name: str, read: Callable[[Any, str], T]) -> T | None:
        """Return field *name* turned into a value by *read*(value, path); None where absent."""
        value = self._left.pop(name, None)
        return None if value is None else read(value, self.at(name))

    def choice(self, name: str, options: Mapping[str, T]) -> T | None:
        """Return what *options* has for the word in field *name*; None where absent."""
        word = self.take(name, str)
        if word is None:
            return None
        if word not in options:
            known = ", ".join(f"`{option}`" for option in options)
            raise malformed(f"{self.at(name)}: unknown variant `{word}`, expected one of {known}")
        return options[word]

    def need_in(self, name: str, options: Mapping[str, T]) -> T:
        """Return what *options* has for the word in field *name*, which must be there."""
        if name not in self:
            raise malformed(f"{self.where or 'the body'}: missing field `{name}`")
        chosen = self.choice(name, options)
        assert chosen is not None  # noqa: S101 - choice() refuses words without a value
        return chosen

    @overload
    def number(self, name: str, low: int) -> int | None: ...
    @overload
    def number(self, name: str, low: int, default: int) -> int: ...
    def number(self, name: str, low: int, default: int | None = None) -> int | None:
        """Return the integer in field *name*, at least *low*."""
        value = self.take(name, int)
        if value is not None and not low <= value < 2**63:
            raise invalid(f"{self.at(name)}: value {value} invalid, must be {low} or larger")
        return default if value is None else value

    def strings(self, name: str) -> list[str] | None:
        """Return the list of strings in field *name*; None where absent."""
        value = self.take(name, list)
        if value is None:
            return None
        return [expect(each, str, f"{self.at(name)}[{n}]") for n, each in enumerate(value)]

    def only(self, *names: str) -> None:
        """Refuse the object if it has fields of other names."""
        for name in names:
            self.raw(name)
        self.done()

    def done(self) -> None:
        """Refuse the object if a field is left that nobody asked for."""
        for name, value in self._left.items():
            if value is not None:
                raise malformed(f"{self.where or 'the body'}: unknown field `{name}`")
