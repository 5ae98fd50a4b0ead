# SPDX-License-Identifier: Apache-2.0
"""What a write changes, as people read it; pure."""

import difflib

LINES, COMPARED = 200, 2000  # what is compared takes time by the square of its lines


def difference(name: str, before: bytes | None, after: bytes) -> str:
    """Return the difference between *before* (nothing if there was no file) and *after*.

    Args:
        name: Of the file.
        before: What it holds.
        after: What it is to hold.
    """
    old, new = _lines(before or b""), _lines(after)
    if old is None or new is None or len(old) + len(new) > COMPARED:
        return f"{name}: {len(before or b'')} bytes become {len(after)}"
    source = "(nothing)" if before is None else name
    rows = list(difflib.unified_diff(old, new, source, name, lineterm=""))
    cut = [f"(and {len(rows) - LINES} lines more)"] if len(rows) > LINES else []
    return "\n".join(rows[:LINES] + cut) or f"{name}: the same as before"


def _lines(content: bytes) -> list[str] | None:
    try:
        return content.decode().splitlines()
    except UnicodeDecodeError:
        return None
