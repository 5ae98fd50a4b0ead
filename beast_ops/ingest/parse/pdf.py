# SPDX-License-Identifier: Apache-2.0
"""Read PDF, page by page, with the headings of its bookmarks."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean

from . import about
from .formats import Parser
from .model import About, Document, Section
from .outline import Path as Outline

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

PASSWORD = 4  # FPDF_ERR_PASSWORD, fpdfview.h
NO_TITLES = {"", "untitled", "(untitled)"}  # what programs write for want of one
NO_AUTHORS = {"anonymous", "(anonymous)", "unknown"}  # likewise
TAIL_BYTES = 1 << 16
BOOKMARKS_MOST = 10_000
LANGUAGE_CHARACTERS = 64
FORMS_DEPTH = 4  # pictures may stand in forms within forms
RUNS_SHOWN = 20
SCANNED = "no text found: its pages are scanned ({}); recognise their text first, as OCRmyPDF does"
NOTE = "pages that are scanned, without text:"
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
            scanned: list[int] = []
            sections = tuple(_pages(pdf, scanned))
            title = clean(pdf.get_metadata_value("Title") or "").strip()
            said = _about(pdf)
    except pypdfium2.PdfiumError as wrong:
        raise DocumentError(_reason(path, wrong)) from wrong
    if scanned and not any(section.text for section in sections):
        raise DocumentError(SCANNED.format(len(scanned)))
    note = f"{NOTE} {_ranges(scanned)}" if scanned else None
    return Document(
        parser.type, None if title.lower() in NO_TITLES else title, sections, said, note
    )


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


def _about(pdf: "PdfDocument") -> About:
    author = about.line(pdf.get_metadata_value("Author"))
    return About(
        author=None if (author or "").lower() in NO_AUTHORS else author,
        created=about.pdf_moment(pdf.get_metadata_value("CreationDate")),
        revised=about.pdf_moment(pdf.get_metadata_value("ModDate")),
        language=about.language(_language(pdf)),
    )


def _language(pdf: "PdfDocument") -> str:
    """Return what the catalogue of *pdf* says of its language; pypdfium2 has no function for it."""
    import ctypes

    from pypdfium2 import raw

    buffer = (ctypes.c_ushort * LANGUAGE_CHARACTERS)()
    size = raw.FPDFCatalog_GetLanguage(pdf.raw, buffer, ctypes.sizeof(buffer))
    return bytes(buffer)[:size].decode("utf-16-le", "replace").rstrip("\0")


def _pages(pdf: "PdfDocument", scanned: list[int]) -> Iterator[Section]:
    """Yield the text of each page; numbers of those that are pictures alone go to *scanned*."""
    headings = _headings(pdf)
    heading: tuple[str, ...] = ()
    for number in range(len(pdf)):
        heading = headings.get(number, heading)
        with closing(pdf[number]) as page, closing(page.get_textpage()) as text:
            said = clean(_HYPHENS.sub("", text.get_text_bounded())).strip()
            if not said and _shows_picture(page):
                scanned.append(number + 1)
        yield Section(heading, said, number + 1)


def _shows_picture(page: "PdfPage") -> bool:
    from pypdfium2 import raw

    pictures = page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=FORMS_DEPTH)
    return next(iter(pictures), None) is not None


def _ranges(numbers: Sequence[int]) -> str:
    """Return *numbers*, which rise, as `2, 5-9`; of many runs the last are left out."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in runs[:RUNS_SHOWN]]
    return ", ".join([*shown, "\N{HORIZONTAL ELLIPSIS}"] if len(runs) > RUNS_SHOWN else shown)


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
