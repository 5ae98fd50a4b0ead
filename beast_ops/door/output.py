# SPDX-License-Identifier: Apache-2.0
"""What the door writes: text that fits any terminal, JSON for machines, errors for both."""

import io
import json
import os
import sys
from typing import Any

from beast_ops.errors import BeastError


def settle_streams() -> None:
    """Let nothing stop the output: what the terminal cannot show is written as escapes.

    A stream that was closed when the program started leads nowhere.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def emit(value: Any) -> None:
    """Print *value* as one JSON document in ASCII, so that any locale can carry it."""
    print(json.dumps(value, indent=2))  # noqa: T201 - the door speaks


def line(text: str = "") -> None:
    """Print one line for people."""
    print(text)  # noqa: T201 - the door speaks


def complain(text: str) -> None:
    """Print one paragraph about what went wrong."""
    sys.stdout.flush()
    print(f"beast: {text}", file=sys.stderr)  # noqa: T201 - the door speaks


def as_json(wrong: BeastError) -> dict[str, dict[str, Any]]:
    """Return *wrong* as a machine reads it."""
    return {
        "error": {
            "kind": type(wrong).__name__,
            "message": str(wrong),
            "subject": wrong.subject,
            "hint": wrong.hint,
            "code": wrong.exit_code,
        }
    }


def abandon_stdout() -> None:
    """Point standard output nowhere, after its reader has gone, so that the exit is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
