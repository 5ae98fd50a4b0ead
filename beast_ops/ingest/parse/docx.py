# SPDX-License-Identifier: Apache-2.0
"""Read Word documents: paragraphs, lists and tables below their headings."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean

from . import about
from .formats import Parser
from .model import About, Document, Section
from .outline import Path as Outline
from .package import opened

WHAT = "Word document"
DEPTH = 4
_LEVEL = re.compile(r"heading (\d)", re.IGNORECASE)


def read(path: Path, parser: Parser) -> Document:
    """Return the Word document at *path*.

    Raises:
        DocumentError: If it is damaged, encrypted, or unpacks to more than is reasonable.
        OSError: If it cannot be read.
    """
    with opened(path, WHAT) as package:
        for name in package.names:
            if name.endswith((".xml", ".rels")):
                package.refuse_entities(package.read(name))
    import docx

    try:
        word = docx.Document(str(path))
    except (KeyError, ValueError, BadZipFile) as wrong:
        raise DocumentError(f"damaged {WHAT}: parts are missing") from wrong
    title = clean(word.core_properties.title or "").strip()
    sections = tuple(_sections(word.iter_inner_content(), _levels(word.styles)))
    first = next((section.heading[0] for section in sections if section.heading), None)
    return Document(parser.type, title or first, sections, _about(word.core_properties))


def _about(said: Any) -> About:
    return About(
        author=about.line(said.author),
        created=about.written(said.created),
        revised=about.written(said.modified),
        language=about.language(said.language),
    )


def _levels(styles: Iterable[Any]) -> dict[str, int]:
    """Return the level of each style that is a heading, by the style's id."""
    found = {}
    for style in styles:
        name = style.name or ""
        if level := _LEVEL.match(name):
            found[style.style_id] = int(level[1])
        elif name.lower() == "title":
            found[style.style_id] = 1
    return found


def _sections(blocks: Iterable[Any], levels: Mapping[str, int]) -> Iterator[Section]:
    outline = Outline()
    heading: tuple[str, ...] = ()
    said: list[str] = []
    for block in blocks:
        text = _text(block)
        level = _level(block, levels)
        if level and text:
            yield Section(heading, "\n\n".join(said))
            heading, said = outline.enter(level, text), []
        if text:
            said.append(text)
    yield Section(heading, "\n\n".join(said))


def _level(block: Any, levels: Mapping[str, int]) -> int:
    element = getattr(block, "_p", None)
    return levels.get(element.style or "", 0) if element is not None else 0


def _text(block: Any, depth: int = 0) -> str:
    """Return a paragraph, or a table as a line per row."""
    if hasattr(block, "_p"):
        return clean(block.text).strip()
    return "\n".join(filter(None, (_row(row, depth) for row in block.rows)))


def _row(row: Any, depth: int) -> str:
    cells: list[str] = []
    before = None
    for cell in row.cells:
        if cell._tc is before:  # noqa: SLF001 - a merged cell is there once per column it spans
            continue
        before = cell._tc  # noqa: SLF001 - as above
        inside = cell.iter_inner_content() if depth < DEPTH else cell.paragraphs
        cells.append(" ".join(filter(None, (_text(block, depth + 1) for block in inside))))
    return " | ".join(filter(None, cells))
