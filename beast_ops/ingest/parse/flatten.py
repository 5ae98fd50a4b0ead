# SPDX-License-Identifier: Apache-2.0
"""Values of JSON as lines `path: value`, without recursion."""

from collections.abc import Iterator
from typing import Any

PATH_CHARACTERS = 120


def lines(value: Any, path: str = "") -> Iterator[str]:
    """Return a line per value in *value* that says something, in order."""
    waiting: list[tuple[str, Any]] = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(
                (_below(path, f".{name}" if path else str(name)), inner)
                for name, inner in reversed(value.items())
            )
        elif isinstance(value, list):
            waiting.extend(
                (_below(path, f"[{number}]"), value[number])
                for number in range(len(value) - 1, -1, -1)
            )
        elif value is not None and value != "":
            said = str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{path}: {said}" if path else said


def _below(path: str, step: str) -> str:
    """Return *path* with *step* behind, its beginning left out once it gets long."""
    whole = path + step
    return whole if len(whole) <= PATH_CHARACTERS else f"…{whole[-PATH_CHARACTERS:]}"


def record(value: Any) -> str:
    """Return *value* as one paragraph."""
    return "\n".join(lines(value))
