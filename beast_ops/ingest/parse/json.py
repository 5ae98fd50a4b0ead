# SPDX-License-Identifier: Apache-2.0
"""Read JSON as lines `path: value`; what is nearly JSON is kept as text."""

import json
from pathlib import Path
from typing import Any

from beast_ops.ingest.text import clean, read_text

from .flatten import lines, record
from .model import Document, Section


def read(path: Path, kind: str) -> Document:
    """Return the JSON file at *path*: a paragraph per record of a list, a section per key.

    Raises:
        DocumentError: If it is not text.
        OSError: If it cannot be read.
    """
    text = read_text(path)
    try:
        value = loads(text)
    except ValueError:
        return Document(kind, None, (Section((), text),))
    return Document(kind, _title(value), tuple(_sections(value)))


def loads(text: str) -> Any:
    """Return the value that *text* is.

    Raises:
        ValueError: If it is no JSON, or nested more deeply than a thousand levels.
    """
    try:
        return json.loads(text)
    except RecursionError as deep:
        raise ValueError("nested too deeply") from deep


def _title(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    named = (value.get(name) for name in ("title", "name"))
    return next(
        (clean(name).strip()[:200] for name in named if isinstance(name, str) and name), None
    )


def _sections(value: Any) -> list[Section]:
    if isinstance(value, list):
        return [Section((), clean("\n\n".join(filter(None, map(record, value)))))]
    if isinstance(value, dict):
        return [
            Section((clean(str(key))[:200],), clean("\n".join(lines(inner, str(key)))))
            for key, inner in value.items()
        ]
    return [Section((), clean(record(value)))]
