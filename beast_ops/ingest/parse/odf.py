# SPDX-License-Identifier: Apache-2.0
"""Read OpenDocument: texts below their headings, sheets by rows, presentations by slides."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean

from .formats import Parser
from .model import NOTHING, Document, Section
from .outline import Path as Outline
from .package import Package, dublin_core, opened
from .table import sheet

REPEATS = 100  # of a cell that says something; sheets repeat empty ones up to their end
SPACES = 100
DIGITS = 10
COLUMNS = 16_384
# What stands among the text and is none: notes in the margin, lists of the headings, old versions.
_SILENT_TAGS = """
annotation annotation-end tracked-changes table-of-content alphabetical-index forms
sequence-decls note-citation desc event-listeners variable-decls
"""
_SILENT = frozenset(_SILENT_TAGS.split())
_GROUPS = {"table-header-rows", "table-row-group", "table-rows"}


def read(path: Path, parser: Parser) -> Document:
    """Return the OpenDocument file at *path*.

    Raises:
        DocumentError: If it is damaged, encrypted, or unpacks to more than is reasonable.
        OSError: If it cannot be read.
    """
    with opened(path, "OpenDocument file") as package:
        _refuse_encrypted(package)
        body = next(package.tree("content.xml").iter("{*}body"), None)
        if body is None:
            raise package.damaged("parts are missing")
        meta = package.tree("meta.xml") if "meta.xml" in package.names else ()
        title, about = dublin_core(meta) if len(meta) else (None, NOTHING)
    sections = tuple(_content(body))
    first = next((section.heading[0] for section in sections if section.heading), None)
    named = title or (None if parser.type == "ods" else first)  # that of a sheet is no title
    return Document(parser.type, named, sections, about)


def _refuse_encrypted(package: Package) -> None:
    manifest = "META-INF/manifest.xml"
    if manifest in package.names:
        tree = package.tree(manifest)
        if next(tree.iter("{*}encryption-data", "{*}encrypted-key"), None) is not None:
            raise DocumentError("encrypted OpenDocument file: needs a password")


def _content(body: Any) -> Iterator[Section]:
    """Yield what *body* says, by the kind of document that it is, whatever the name says."""
    for part in body:
        kind = _name(part)
        if kind == "spreadsheet":
            for table in part.iterchildren("{*}table"):
                yield sheet(_attribute(table, "name"), _rows(table))
        elif kind in {"presentation", "drawing"}:
            for number, page in enumerate(part.iterchildren("{*}page"), 1):
                yield _slide(page, number)
        elif kind == "text":
            yield from _text(part)


def _text(part: Any) -> Iterator[Section]:
    outline = Outline()
    heading: tuple[str, ...] = ()
    said: list[str] = []
    for level, text in _blocks(part):
        if level and text:
            yield Section(heading, "\n\n".join(said))
            heading, said = outline.enter(level, text), []
        if text:
            said.append(text)
    yield Section(heading, "\n\n".join(said))


def _blocks(part: Any) -> Iterator[tuple[int, str]]:
    """Yield each heading with its level, and each paragraph and table with none, in order."""
    waiting = list(reversed(part))
    while waiting:
        block = waiting.pop()
        name = _name(block)
        if name == "h":
            yield _number(block, "outline-level"), _inline(block)
        elif name == "p":
            yield 0, _inline(block)
        elif name == "list-item":
            yield 0, "- " + "\n".join(text for _, text in _blocks(block))
        elif name == "table":
            yield 0, "\n".join(" | ".join(filter(None, row)) for row in _rows(block) if any(row))
        elif name not in _SILENT:
            waiting.extend(reversed(block))


def _slide(page: Any, number: int) -> Section:
    title = ""
    said = []
    for frame in page:
        kind = _attribute(frame, "class")
        text = "\n".join(text for _, text in _blocks(frame) if text)
        if kind == "title" and not title:
            title = text
        if _name(frame) == "notes":
            text = f"Notes: {text}" if text else ""
        said.append(text)
    return Section(Outline().enter(1, title), "\n\n".join(filter(None, said)), number)


def _rows(table: Any) -> Iterator[list[str]]:
    """Yield the rows of *table*; one that is repeated says the same, so it comes once."""
    waiting = list(reversed(table))
    while waiting:
        part = waiting.pop()
        if _name(part) in _GROUPS:
            waiting.extend(reversed(part))
        elif _name(part) == "table-row":
            yield _cells(part)


def _cells(row: Any) -> list[str]:
    cells: list[str] = []
    for cell in row.iterchildren("{*}table-cell", "{*}covered-table-cell"):
        text = " ".join(filter(None, (text for _, text in _blocks(cell))))
        times = _number(cell, "number-columns-repeated")
        cells.extend([text] * min(times, REPEATS if text else COLUMNS - len(cells)))
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _inline(block: Any) -> str:
    """Return the text of a paragraph, what stands in frames and footnotes included."""
    pieces: list[str] = []
    for event, each in _walked(block):
        if event == "end":
            pieces.append(each.tail or "" if each is not block else "")
            continue
        name = _name(each)
        if name == "s":
            pieces.append(" " * min(_number(each, "c"), SPACES))
        elif name == "tab":
            pieces.append("\t")
        elif name in {"line-break", "p"} and each is not block:
            pieces.append("\n")
        pieces.append(each.text or "")
    return clean("".join(pieces)).strip()


def _walked(block: Any) -> Iterator[tuple[str, Any]]:
    """Yield the beginning and the end of *block* and of all elements in it that are text."""
    from lxml import etree

    walk = etree.iterwalk(block, events=("start", "end"))
    for event, each in walk:
        if event == "start" and _name(each) in _SILENT:
            walk.skip_subtree()
        else:
            yield event, each


def _name(element: Any) -> str:
    """Return the name of *element* without its namespace; nothing for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _attribute(element: Any, name: str) -> str:
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


def _number(element: Any, name: str) -> int:
    """Return the number that an attribute of *element* is; 1 without it, as all of them count."""
    said = _attribute(element, name)
    return int(said) if said.isascii() and said.isdigit() and len(said) < DIGITS else 1
