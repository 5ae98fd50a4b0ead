# SPDX-License-Identifier: Apache-2.0
"""Read EPUB books: the pages in their order, below their headings."""

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname
from typing import Any

from beast_ops.errors import DocumentError

from .formats import Parser
from .html import page, text_of
from .model import Document, Section
from .package import Package, dublin_core, opened, resolved

PAGES = {"application/xhtml+xml", "text/html", "application/x-dtbook+xml"}
RIGHTS = "META-INF/encryption.xml"
# EPUB Open Container Format 3.3, 4.2: these hide fonts, never the text.
FONTS = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
# Readers of HTML take `<title/>` for the beginning of a title, and all that follows for its text.
_CLOSED = re.compile(r"<(?!(?:br|hr|img|input|link|meta|col|area|base)\b)([a-z]\w{0,20})([^<>]*)/>")


def read(path: Path, parser: Parser) -> Document:
    """Return the book at *path*.

    Raises:
        DocumentError: If it is damaged, protected, or unpacks to more than is reasonable.
        OSError: If it cannot be read.
    """
    with opened(path, "EPUB book", doctypes=True) as package:
        _refuse_protected(package)
        roots = package.tree("META-INF/container.xml").iter("{*}rootfile")
        name = next((each.get("full-path", "") for each in roots), "")
        book = package.tree(name)
        title, about = dublin_core(next(book.iter("{*}metadata"), book))
        sections: list[Section] = []
        for each in _pages(package, book, dirname(name)):
            sections.extend(page(_CLOSED.sub(r"<\1\2></\1>", text_of(package.read(each))))[2])
    return Document(parser.type, title, tuple(sections), about)


def _refuse_protected(package: Package) -> None:
    if RIGHTS not in package.names:
        return
    ways = package.tree(RIGHTS).iter("{*}EncryptionMethod")
    if {way.get("Algorithm", "") for way in ways} - FONTS:
        raise DocumentError("protected EPUB book: its text is encrypted")


def _pages(package: Package, book: Any, folder: str) -> Iterator[str]:
    """Yield the pages of *book* in the order in which they are read, each once."""
    items = {
        each.get("id", ""): resolved(folder, each.get("href", ""))
        for each in book.iter("{*}item")
        if each.get("media-type") in PAGES and "nav" not in each.get("properties", "").split()
    }
    order = [items.pop(each.get("idref", ""), "") for each in book.iter("{*}itemref")]
    yield from (name for name in order if name in package.names)
