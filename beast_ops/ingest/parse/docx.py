# SPDX-License-Identifier: Apache-2.0
"""Read Word documents: paragraphs, lists and tables below their headings."""

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean

from .model import Document, Section
from .outline import Path as Outline

GIB = 1 << 30
EXPANDED_BYTES = GIB // 2
RATIO = 200  # times its packed size; XML packs 5 to 40 times
RATIO_BYTES = 10 << 20  # below this nothing is a bomb
ENTRIES = 10_000
OLE = b"\xd0\xcf\x11\xe0"  # the old format, and the wrapping of encrypted documents
DEPTH = 4
_DECLARATIONS = re.compile(rb"<!(?:DOCTYPE|ENTITY)|<\x00!\x00[DE]\x00|\x00<\x00!\x00[DE]")
_LEVEL = re.compile(r"heading (\d)", re.IGNORECASE)


def read(path: Path, kind: str) -> Document:
    """Return the Word document at *path*.

    Raises:
        DocumentError: If it is damaged, encrypted, or unpacks to more than is reasonable.
        OSError: If it cannot be read.
    """
    _guard(path)
    import docx

    try:
        opened = docx.Document(str(path))
    except (KeyError, ValueError, zipfile.BadZipFile) as wrong:
        raise DocumentError("damaged Word document: parts are missing") from wrong
    title = clean(opened.core_properties.title or "").strip()
    sections = tuple(_sections(opened.iter_inner_content(), _levels(opened.styles)))
    first = next((section.heading[0] for section in sections if section.heading), None)
    return Document(kind, title or first, sections)


def _guard(path: Path) -> None:
    """Look at the archive before anything is unpacked."""
    with path.open("rb") as file:
        if file.read(4) == OLE:
            raise DocumentError("encrypted Word document, or one of the old .doc format")
    try:
        with zipfile.ZipFile(path) as archive:
            _fits(archive.infolist())
            for entry in archive.infolist():
                if entry.filename.endswith((".xml", ".rels")):
                    _without_entities(archive.read(entry))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as wrong:
        raise DocumentError("damaged Word document: not a whole zip archive") from wrong
    except (zipfile.zlib.error, ValueError) as wrong:  # type: ignore[attr-defined] # not in the types
        raise DocumentError("damaged Word document: it cannot be unpacked") from wrong


def _fits(entries: Iterable[zipfile.ZipInfo]) -> None:
    entries = list(entries)
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > EXPANDED_BYTES:
        raise DocumentError(
            f"expands to {total / GIB:.1f} GiB, more than the limit of {EXPANDED_BYTES / GIB} GiB"
        )
    if total > RATIO_BYTES and total > packed * RATIO:
        raise DocumentError(
            f"expands {total // max(packed, 1)} times, more than the limit of {RATIO}"
        )
    if len(entries) > ENTRIES:
        raise DocumentError(f"holds {len(entries)} files, more than the limit of {ENTRIES}")


def _without_entities(part: bytes) -> None:
    if _DECLARATIONS.search(part):
        raise DocumentError("damaged Word document: declares entities, which Word never does")


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
