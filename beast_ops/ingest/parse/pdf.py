# SPDX-License-Identifier: Apache-2.0
"""Read PDF, page by page, with the headings of its bookmarks."""

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean

from .formats import Parser
from .model import Document, Section
from .outline import Path as Outline

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

PASSWORD = 4  # FPDF_ERR_PASSWORD, fpdfview.h
NO_TITLES = {"", "untitled", "(untitled)"}  # what programs write for want of one
TAIL_BYTES = 1 << 16
BOOKMARKS_MOST = 10_000
_HYPHENS = re.compile(
    "[\x02\ufffe\u00ad](?:\r?\n)?"
)  # what PDFium makes of a hyphen at a line's end
_LINEARIZED = re.compile(rb"/Linearized[^>]{0,200}?/L\s{1,9}(\d{1,12})", re.DOTALL)


def read(path: Path, parser: Parser) -> Document:
    """Return the PDF file at *path*.

    Raises:
        DocumentError: If it is encrypted, damaged, or has no text.
        OSError: If it cannot be read.
    """
    import pypdfium2

    _complete(path)
    try:
        with closing(pypdfium2.PdfDocument(path)) as pdf:
            sections = tuple(_pages(pdf))
            title = clean(pdf.get_metadata_value("Title") or "").strip()
    except pypdfium2.PdfiumError as wrong:
        raise DocumentError(_reason(path, wrong)) from wrong
    if not any(section.text.strip() for section in sections):
        raise DocumentError("no text found (scanned pages?)")
    return Document(parser.type, None if title.lower() in NO_TITLES else title, sections)


def _complete(path: Path) -> None:
    """Refuse what is cut off: PDFium would repair it and silently read the half that is there."""
    with path.open("rb") as file:
        head = file.read(1024)
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
    if b"%PDF-" not in head:
        raise DocumentError("damaged PDF: it does not begin like one")
    linear = _LINEARIZED.search(head)
    if b"startxref" not in tail or (linear and int(linear[1]) > size):
        raise DocumentError("damaged PDF: its end is missing")


def _reason(path: Path, wrong: Exception) -> str:
    if _opens(path):  # pypdfium2 takes that for an error, and reports the last one there was
        return "no text found (it has no pages)"
    if getattr(wrong, "err_code", None) == PASSWORD:
        return "encrypted PDF: needs a password"
    sentence = str(wrong).split(":")[-1].strip(" ().") or "PDFium cannot read it"
    return f"damaged PDF: {sentence[:1].lower()}{sentence[1:]}"


def _opens(path: Path) -> bool:
    """Return whether PDFium itself finds nothing wrong with a document that has no pages."""
    from pypdfium2 import raw

    opened = raw.FPDF_LoadDocument(os.fsencode(path), None)
    if not opened:
        return False
    empty = raw.FPDF_GetPageCount(opened) == 0
    raw.FPDF_CloseDocument(opened)
    return bool(empty)


def _pages(pdf: "PdfDocument") -> Iterator[Section]:
    headings = _headings(pdf)
    heading: tuple[str, ...] = ()
    for number in range(len(pdf)):
        heading = headings.get(number, heading)
        with closing(pdf[number]) as page, closing(page.get_textpage()) as text:
            said = _HYPHENS.sub("", text.get_text_bounded())
        yield Section(heading, clean(said).strip(), number + 1)


def _headings(pdf: "PdfDocument") -> dict[int, tuple[str, ...]]:
    """Return the path of bookmarks in force at the end of each page on which one points."""
    found: dict[int, tuple[str, ...]] = {}
    outline = Outline()
    for count, mark in enumerate(pdf.get_toc()):
        destination = mark.get_dest()
        page = destination.get_index() if destination is not None else None
        path = outline.enter(mark.level + 1, clean(mark.get_title() or ""))
        if page is not None:
            found.setdefault(page, path)
        if count > BOOKMARKS_MOST:
            break
    return found
