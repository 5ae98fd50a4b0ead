# SPDX-License-Identifier: Apache-2.0
"""Read PowerPoint presentations: a section per slide, with the speaker's notes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from beast_ops.ingest.text import clean

from .formats import Parser
from .model import Document, Section
from .outline import Path as Outline
from .package import Package, core, main_part, opened

TITLES = {"title", "ctrTitle"}
# Beside the text of a slide: what surrounds it on every slide.
AROUND = {"dt", "ftr", "hdr", "sldNum", "sldImg"}


def read(path: Path, parser: Parser) -> Document:
    """Return the presentation at *path*.

    Raises:
        DocumentError: If it is damaged, encrypted, or unpacks to more than is reasonable.
        OSError: If it cannot be read.
    """
    with opened(path, "PowerPoint presentation") as package:
        title, about = core(package)
        sections = tuple(_slides(package))
    first = next((section.heading[0] for section in sections if section.heading), None)
    return Document(parser.type, title or first, sections, about)


def _slides(package: Package) -> Iterator[Section]:
    main = main_part(package)
    parts = package.relations(main)
    seen = set()
    for number, slide in enumerate(package.tree(main).iter("{*}sldId"), 1):
        own = next((value for name, value in slide.items() if name.endswith("}id")), "")
        part = parts.get(own, ("", ""))[1]
        if part in package.names and part not in seen:
            seen.add(part)
            yield _slide(package, part, number)


def _slide(package: Package, part: str, number: int) -> Section:
    tree = package.tree(part)
    shapes = list(_shapes(tree))
    title = next((text for kind, text in shapes if kind in TITLES and text), "")
    said = [text for kind, text in shapes if text and kind not in AROUND]
    diagrams = package.related(part, "diagramData")
    said.extend(_paragraphs(package.tree(diagram)) for diagram in diagrams)
    for notes in package.related(part, "notesSlide"):
        spoken = [text for kind, text in _shapes(package.tree(notes)) if kind == "body"]
        said.extend(f"Notes: {text}" for text in spoken if text)
    heading = Outline().enter(1, title)
    return Section(heading, clean("\n\n".join(filter(None, said))), number)


def _shapes(tree: Any) -> Iterator[tuple[str, str]]:
    """Yield the kind of placeholder that each shape fills, if any, and its text."""
    from lxml import etree

    etree.strip_elements(tree, "{*}Fallback", with_tail=False)  # the same again, for old programs
    for shape in tree.iter("{*}sp", "{*}tbl"):
        if etree.QName(shape).localname == "tbl":
            yield "", "\n".join(filter(None, map(_row, shape.iter("{*}tr"))))
            continue
        place = next(shape.iter("{*}ph"), None)
        yield "" if place is None else place.get("type", ""), _paragraphs(shape)


def _row(row: Any) -> str:
    cells = (" ".join(_paragraphs(cell).split()) for cell in row.iter("{*}tc"))
    return " | ".join(filter(None, cells))


def _paragraphs(within: Any) -> str:
    return "\n".join(filter(None, map(_paragraph, within.iter("{*}p"))))


def _paragraph(paragraph: Any) -> str:
    pieces = paragraph.iter("{*}t", "{*}br")
    return "".join("\n" if each.text is None else each.text for each in pieces).strip()
