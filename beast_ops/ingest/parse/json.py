# SPDX-License-Identifier: Apache-2.0
"""Read JSON as lines `path: value`; what is nearly JSON is kept as text."""

import json
from pathlib import Path
from typing import Any

from beast_ops.ingest.text import clean, read_text

from .flatten import lines, record
from .formats import Parser
from .model import Document, Section

NAME_CHARACTERS = 200


def read(path: Path, parser: Parser) -> Document:
    """Return the JSON file at *path*: a paragraph per record of a list, a section per key.

    Raises:
        DocumentError: If it is not text.
        OSError: If it cannot be read.
    """
    text = read_text(path)
    try:
        value = loads(text)
    except ValueError:
        return Document(parser.type, None, (Section((), text),))
    return Document(parser.type, _title(value), tuple(_sections(value)))


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
    """Return a section per key of an object; its key is the heading, and leads each line."""
    if not isinstance(value, dict):
        return [Section((), clean(_records(value)))]
    sections = []
    for key, inner in value.items():
        name = clean(str(key))[:NAME_CHARACTERS]
        many = isinstance(inner, list) and any(isinstance(each, dict) for each in inner)
        text = _records(inner) if many else "\n".join(lines(inner, name))
        sections.append(Section((name,), clean(text)))
    return sections


def _records(value: Any) -> str:
    """Return a paragraph per item of a list, each with its own paths, and else one."""
    each = value if isinstance(value, list) else [value]
    return "\n\n".join(filter(None, map(record, each)))
